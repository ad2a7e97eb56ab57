"""The application: routes, mounts, health and documentation as one ASGI callable.

What every request passes through is written out in one function, `HttpApp.__call__`, without middleware: each layer
would cost each request more than all that is done there. The rest of this module is what only some requests need.
"""

import asyncio
import traceback
from collections.abc import Callable, Mapping, MutableMapping, Sequence
from time import perf_counter, time
from typing import Any, ClassVar, Final

from headwater.http.accesslog import AccessLog
from headwater.http.answer import Answer
from headwater.http.body import ClientGone, Limits
from headwater.http.docs import docs_routes
from headwater.http.endpoint import Endpoint, compile_endpoint
from headwater.http.failure import problem_of
from headwater.http.health import Health, Readiness
from headwater.http.lifespan import AsgiApp
from headwater.http.meter import Meter
from headwater.http.mount import Mount, Spy, sort_mounts
from headwater.http.openapi import openapi_routes
from headwater.http.problem import Problem, write_problem
from headwater.http.request import Request
from headwater.http.resources import Resources
from headwater.http.response import NOSNIFF, Response
from headwater.http.route import Route
from headwater.http.router import Router
from headwater.http.target import below
from headwater.http.watch import Watch
from headwater.observe import Metrics, Occurrence, report
from headwater.observe.linewriter import standard_error
from headwater.settings import Settings

Scope = MutableMapping[str, Any]
