"""All addresses: the REST API under /api/v1, the pages at the root."""

from django.urls import include, path

urlpatterns = [path("api/v1/", include("advisor.api.urls")), path("", include("advisor.web.urls"))]
handler404 = "advisor.api.errors.not_found"
handler500 = "advisor.api.errors.broken"
