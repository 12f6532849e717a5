"""The way of a request from the server to a handler and back: the event loop in front.

`application` takes requests from the server (ASGI), `bodies` and `uploads` read what they carry,
`work` knows the classes of work and their threads, `handlers` answer, `responses` sends.
"""
