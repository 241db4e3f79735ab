from __future__ import annotations

from django.contrib import admin
from django.urls import include, path

from connections.adminsite import register_pages
from connections.views import accounts, adding, connecting, health, helping, home, invitations, news

register_pages()

ADD = "tenants/<slug:tenant>/connections/add/"
DRAFT = {
    "accounts": adding.accounts,
    "folders": adding.folders,
    "contacts": adding.contacts,
    "direction": adding.direction,
    "mapping": adding.mapping,
    "rules": adding.rules,
    "matching": adding.matching,
    "plan": adding.plan,
    "discard": adding.discard,
}
urlpatterns = [
    path("", home.home, name="home"),
    path("admin/", admin.site.urls),
    path("accounts/", include("allauth.urls")),
    path("tenants/<slug:tenant>/accounts/", accounts.listed, name="accounts"),
    path("tenants/<slug:tenant>/accounts/add/", connecting.choose, name="account-add"),
    path("tenants/<slug:tenant>/accounts/add/<slug:app>/", connecting.add, name="account-connect"),
    path("tenants/<slug:tenant>/accounts/<int:pk>/connect/", connecting.again, name="account-again"),
    path("tenants/<slug:tenant>/accounts/<int:pk>/disconnect/", accounts.disconnect, name="account-disconnect"),
    path("tenants/<slug:tenant>/accounts/<int:pk>/share/", accounts.share, name="account-share"),
    path(ADD, adding.begin, name="connection-add"),
    *(
        path(f"tenants/<slug:tenant>/connections/add/<int:draft>/{step}/", view, name=f"draft-{step}")
        for step, view in DRAFT.items()
    ),
    path("connect-requests/<str:token>/", invitations.open_request, name="connect-request"),
    path("connect/<slug:app>/", connecting.come_back, name="connect-back"),
    path("help/", helping.index, name="help"),
    path("help/apps/<slug:key>/", helping.app, name="help-app"),
    path("help/<slug:key>/", helping.page, name="help-page"),
    path("invitations/<str:token>/", invitations.open_link, name="invitation"),
    path("news/<slug:app>/", news.of_app, name="news-of-app"),
    path("news/<slug:app>/<str:address>/", news.of_folder, name="news-of-folder"),
    path("health/live", health.live, name="health-live"),
    path("health/ready", health.ready, name="health-ready"),
    path("health/queue", health.queue, name="health-queue"),
]
