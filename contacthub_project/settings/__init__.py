"""All settings, each from the environment; without any, the embedded servers are used.

docs/settings.md lists the variables. Nothing here starts a server or opens a connection.
"""

from .admin import *
from .api import *
from .base import *
from .celery import *
from .database import *
from .environment import *
from .logging import *
from .security import *
from .sign_in import *
from .web import *
