from __future__ import annotations

from django.contrib import admin
from django.urls import include, path

from connections.adminsite import register_pages
from connections.views import health, helping, home, invitations

register_pages()

urlpatterns = [
    path("", home.home, name="home"),
    path("admin/", admin.site.urls),
    path("accounts/", include("allauth.urls")),
    path("help/", helping.index, name="help"),
    path("help/apps/<slug:key>/", helping.app, name="help-app"),
    path("help/<slug:key>/", helping.page, name="help-page"),
    path("invitations/<str:token>/", invitations.open_link, name="invitation"),
    path("health/live", health.live, name="health-live"),
    path("health/ready", health.ready, name="health-ready"),
    path("health/queue", health.queue, name="health-queue"),
]
