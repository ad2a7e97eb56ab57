"""A page, an export and a redirect."""

import json
from collections.abc import Iterator

from django.core.serializers.json import DjangoJSONEncoder
from django.db import connection, models
from django.http import Http404, HttpResponseRedirect, StreamingHttpResponse
from rest_framework import pagination, serializers
from rest_framework.generics import ListAPIView
from rest_framework.request import Request
from rest_framework.views import APIView

from bench.peers.sql import CHUNK, FOLLOW


class Person(models.Model):
    """A row that migrations of the directory made."""

    id = models.BigIntegerField(primary_key=True)
    name = models.TextField()
    email = models.TextField()
    country = models.TextField()
    city = models.TextField()
    born = models.DateField(null=True)
    joined = models.DateTimeField()

    class Meta:
        app_label = "bench"
        managed = False
        db_table = '"directory"."person"'


FIELDS = ("id", "name", "email", "country", "city", "born", "joined")


class PersonSerializer(serializers.ModelSerializer):
    """As the API shows it."""

    class Meta:
        model = Person
        fields = FIELDS


class Cursors(pagination.CursorPagination):
    """DRF's own pages by keyset."""

    ordering = ("-joined", "-id")
    page_size_query_param = "limit"
    page_size = 20


class People(ListAPIView):
    queryset = Person.objects.all()
    serializer_class = PersonSerializer
    pagination_class = Cursors


def export_people(request: Request) -> StreamingHttpResponse:
    """A serializer for each row would take some five times as long; nobody who exports a million does that."""

    def lines() -> Iterator[bytes]:
        encode = json.JSONEncoder.encode
        encoder = DjangoJSONEncoder()
        for row in Person.objects.values(*FIELDS).iterator(chunk_size=CHUNK):
            yield encode(encoder, row).encode() + b"\n"

    return StreamingHttpResponse(lines(), content_type="application/x-ndjson")


class Follow(APIView):
    """Counts and leads on."""

    def get(self, request: Request, code: str) -> HttpResponseRedirect:
        with connection.cursor() as cursor:
            cursor.execute(FOLLOW.replace("$1", "%(code)s"), {"code": code})
            row = cursor.fetchone()
        if row is None:
            raise Http404
        return HttpResponseRedirect(row[0])
