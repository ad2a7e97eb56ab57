"""HTTP: routes compiled to endpoints, served as one ASGI application."""

from headwater.http.application import HttpApp
from headwater.http.authentication.authenticator import Authenticator
from headwater.http.authentication.credential import ApiKey, Bearer, Cookie, Credential, digest_secret
from headwater.http.compiler import Compiler
from headwater.http.endpoint import Endpoint
from headwater.http.files import Download, Upload
from headwater.http.limit import Limit, Limiter
from headwater.http.message.principal import Principal
from headwater.http.message.problem import Problem
from headwater.http.message.request import Request
from headwater.http.message.response import Response
from headwater.http.page import Listing, Page, Pages
from headwater.http.route.errors import HttpError, RouteError
from headwater.http.route.parameter import Body, Header, Query
from headwater.http.route.route import Route
from headwater.http.serving.server import serve

__all__ = [
    "ApiKey",
    "Authenticator",
    "Bearer",
    "Body",
    "Compiler",
    "Cookie",
    "Credential",
    "Download",
    "Endpoint",
    "Header",
    "HttpApp",
    "HttpError",
    "Limit",
    "Limiter",
    "Listing",
    "Page",
    "Pages",
    "Principal",
    "Problem",
    "Query",
    "Request",
    "Response",
    "Route",
    "RouteError",
    "Upload",
    "digest_secret",
    "serve",
]
