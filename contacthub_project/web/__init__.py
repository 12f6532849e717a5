"""The event loop of the web server, between the ASGI server and the handlers.

`application` takes requests from the server (ASGI), `bodies` and `uploads` read their bodies,
`work` knows the classes of work and their threads, `handlers` call the views, `responses` sends.
"""
