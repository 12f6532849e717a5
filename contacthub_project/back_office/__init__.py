"""The back-office: pages for staff, as a client of our own API.

Every screen asks the API and writes through it, in this process and as the signed-in person. So
what staff see and may do is decided where it is decided for everybody: roles, nodes, validation,
versions, the change feed, the counters.
"""
