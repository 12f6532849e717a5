"""Signing in to pages: passwords, second factors, and what workspaces demand of people."""
