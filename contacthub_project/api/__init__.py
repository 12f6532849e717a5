"""The HTTP contract of the product; knows no app."""

BASE_PATH = "/hub/v1"
