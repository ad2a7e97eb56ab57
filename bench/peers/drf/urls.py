"""Where the views are."""

from django.urls import path

from bench.peers.drf import lists, views

urlpatterns = [
    path("plain/products/<uuid:id>", views.Plain.as_view()),
    path("auth/products/<uuid:id>", views.Authenticated.as_view()),
    path("limit/products/<uuid:id>", views.Limited.as_view()),
    path("etag/products/<uuid:id>", views.Tagged.as_view()),
    path("v1/plain/products/<uuid:id>", views.Older.as_view()),
    path("v1/all/products/<uuid:id>", views.All.as_view()),
    path("list", views.List.as_view()),
    path("compressed/products", views.Compressed.as_view()),
    path("people", lists.People.as_view()),
    path("people/export", lists.export_people),
    path("<slug:code>", lists.Follow.as_view()),
]
