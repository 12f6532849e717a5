"""Sign-in to pages: passwords, second factors, and workspaces that require these."""
