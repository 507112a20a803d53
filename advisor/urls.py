"""All addresses: the pages at the root."""

from django.urls import include, path

urlpatterns = [path("", include("advisor.web.urls"))]
