"""The HTTP contract of the product; imports no app."""

BASE_PATH = "/hub/v1"
