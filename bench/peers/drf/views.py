"""One view per feature; what DRF has is declared, what Django has is a decorator made of its middleware."""

from django.db import models
from django.middleware.gzip import GZipMiddleware
from django.middleware.http import ConditionalGetMiddleware
from django.utils.decorators import decorator_from_middleware, method_decorator
from rest_framework import serializers, throttling
from rest_framework.authentication import BaseAuthentication, get_authorization_header
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.generics import ListAPIView, RetrieveAPIView
from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from bench.features import QUOTA, digest


class Product(models.Model):
    """A row that migrations of the shop made."""

    id = models.UUIDField(primary_key=True)
    name = models.TextField()
    price = models.BigIntegerField()
    stock = models.IntegerField()

    class Meta:
        app_label = "bench"
        managed = False
        db_table = '"shop"."product"'


class ApiKey(models.Model):
    """Whose a token is."""

    digest = models.BinaryField(primary_key=True)
    person = models.TextField()

    class Meta:
        app_label = "bench"
        managed = False
        db_table = '"bench"."api_key"'


class ProductSerializer(serializers.ModelSerializer):
    """As the API shows it."""

    class Meta:
        model = Product
        fields = ("id", "name", "price", "stock")


class OlderSerializer(serializers.Serializer):
    """As its first version showed it: the price in whole units."""

    id = serializers.UUIDField()
    title = serializers.CharField(source="name")
    price = serializers.SerializerMethodField()
    stock = serializers.IntegerField()

    def get_price(self, product: Product) -> float:
        price: float = product.price / 100
        return price


class Token(BaseAuthentication):
    """A bearer token, looked up by its digest."""

    def authenticate(self, request: Request) -> tuple[str, None]:
        scheme, _, token = get_authorization_header(request).decode().partition(" ")
        key = ApiKey.objects.filter(digest=digest(token)).first()
        if scheme.lower() != "bearer" or key is None:
            raise AuthenticationFailed
        return key.person, None


class Somebody(BasePermission):
    """Whoever has a token."""

    def has_permission(self, request: Request, view: object) -> bool:
        return request.user is not None


class Throttle(throttling.SimpleRateThrottle):
    """DRF keeps the time of each request of the window, so at a large quota it would measure that list and not
    itself: the window is one second, in which no more requests come than fit."""

    rate = f"{QUOTA}/s"

    def get_cache_key(self, request: Request, view: object) -> str:
        return f"throttle_{self.get_ident(request)}"


class Plain(RetrieveAPIView):
    queryset = Product.objects.all()
    serializer_class = ProductSerializer
    lookup_field = "id"


class Authenticated(Plain):
    authentication_classes = (Token,)
    permission_classes = (Somebody,)


class Limited(Plain):
    throttle_classes = (Throttle,)


tagged = method_decorator(decorator_from_middleware(ConditionalGetMiddleware), name="dispatch")
zipped = method_decorator(decorator_from_middleware(GZipMiddleware), name="dispatch")


@tagged
class Tagged(Plain):
    pass


class Older(Plain):
    serializer_class = OlderSerializer


@tagged
class All(Older):
    authentication_classes = (Token,)
    permission_classes = (Somebody,)
    throttle_classes = (Throttle,)


class List(ListAPIView):
    serializer_class = ProductSerializer

    def get_queryset(self) -> models.QuerySet[Product]:
        return Product.objects.order_by("name", "id")[:20]


@zipped
class Compressed(List):
    pass
