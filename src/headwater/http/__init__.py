"""HTTP: routes compiled to endpoints, served as one ASGI application."""

from headwater.http.application import HttpApp
from headwater.http.endpoint import Endpoint, compile_endpoint
from headwater.http.errors import HttpError, RouteError
from headwater.http.files import Download, Upload
from headwater.http.identity.credential import ApiKey, Bearer, Cookie, Credential, digest_secret
from headwater.http.identity.identity import Identity
from headwater.http.identity.principal import Principal
from headwater.http.limit import Limit, Limiter
from headwater.http.page import Listing, Page, Pages
from headwater.http.parameter import Body, Header, Query
from headwater.http.problem import Problem
from headwater.http.request import Request
from headwater.http.resources import Provider, Resources
from headwater.http.response import Response
from headwater.http.route import Route
from headwater.http.server import serve

__all__ = [
    "ApiKey",
    "Bearer",
    "Body",
    "Cookie",
    "Credential",
    "Download",
    "Endpoint",
    "Header",
    "HttpApp",
    "HttpError",
    "Identity",
    "Limit",
    "Limiter",
    "Listing",
    "Page",
    "Pages",
    "Principal",
    "Problem",
    "Provider",
    "Query",
    "Request",
    "Resources",
    "Response",
    "Route",
    "RouteError",
    "Upload",
    "compile_endpoint",
    "digest_secret",
    "serve",
]
