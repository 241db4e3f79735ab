from __future__ import annotations

from django.contrib import admin
from django.urls import include, path

from connections.adminsite import register_pages
from connections.views import (
    accounts,
    activity,
    adding,
    archive,
    connecting,
    contacts,
    editing,
    health,
    helping,
    home,
    invitations,
    languages,
    members,
    metrics,
    news,
    notifications,
    overview,
    takingback,
    tending,
)

register_pages()

ADD = "tenants/<slug:tenant>/connections/add/"
ONE = "tenants/<slug:tenant>/connections/<int:connection>/"
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
    path("tenants/<slug:tenant>/notifications/", notifications.page, name="notifications"),
    path("tenants/<slug:tenant>/webhooks/add/", notifications.add, name="webhook-add"),
    path("tenants/<slug:tenant>/webhooks/<int:webhook>/do/", notifications.do, name="webhook-do"),
    path("tenants/<slug:tenant>/activity/", activity.page, name="activity"),
    path("tenants/<slug:tenant>/activity.csv", activity.as_csv, name="activity-csv"),
    path("tenants/<slug:tenant>/everything/", archive.page, name="archive"),
    path("tenants/<slug:tenant>/members/", members.page, name="members"),
    path("tenants/<slug:tenant>/members/<int:person>/", members.one, name="member"),
    path("tenants/<slug:tenant>/invitations/<int:invitation>/withdraw/", members.withdraw, name="invitation-withdraw"),
    path(ADD, adding.begin, name="connection-add"),
    *(
        path(f"tenants/<slug:tenant>/connections/add/<int:draft>/{step}/", view, name=f"draft-{step}")
        for step, view in DRAFT.items()
    ),
    path("tenants/<slug:tenant>/", overview.tenant, name="tenant"),
    path(ONE, tending.page, name="connection"),
    path(f"{ONE}do/", tending.do, name="connection-do"),
    path(f"{ONE}settings/", tending.settings, name="connection-settings"),
    path(f"{ONE}mapping/", editing.mapping, name="connection-mapping"),
    path(f"{ONE}mapping/line/", editing.line, name="connection-mapping-line"),
    path(f"{ONE}rules/", editing.rules, name="connection-rules"),
    path(f"{ONE}rules/rule/", editing.rule, name="connection-rule"),
    path(f"{ONE}rules/choices/", editing.choices, name="connection-rule-choices"),
    path(f"{ONE}history/", tending.history, name="connection-history"),
    path(f"{ONE}undo/", takingback.begin, name="connection-undo"),
    path(f"{ONE}undo/<int:run>/", takingback.plan, name="connection-take-back"),
    path(f"{ONE}contacts/", contacts.listed, name="connection-contacts"),
    path(f"{ONE}contacts.csv", contacts.as_csv, name="connection-contacts-csv"),
    path(f"{ONE}contacts/<int:pair>/", contacts.one, name="connection-contact"),
    path(f"{ONE}contacts/<int:pair>/decide/", contacts.decide, name="connection-decide"),
    path(f"{ONE}review/", contacts.review, name="connection-review"),
    path(f"{ONE}plan/", contacts.plan, name="connection-plan"),
    path(f"{ONE}plan.csv", contacts.plan_csv, name="connection-plan-csv"),
    path("connect-requests/<str:token>/", invitations.open_request, name="connect-request"),
    path("connect/<slug:app>/", connecting.come_back, name="connect-back"),
    path("help/", helping.index, name="help"),
    path("help/apps/<slug:key>/", helping.app, name="help-app"),
    path("help/<slug:key>/", helping.page, name="help-page"),
    path("language/", languages.choose, name="language"),
    path("invitations/<str:token>/", invitations.open_link, name="invitation"),
    path("news/<slug:app>/", news.of_app, name="news-of-app"),
    path("news/<slug:app>/<str:address>/", news.of_folder, name="news-of-folder"),
    path("notifications/stop/<str:token>/", notifications.stop, name="notifications-stop"),
    path("health/live", health.live, name="health-live"),
    path("health/ready", health.ready, name="health-ready"),
    path("health/queue", health.queue, name="health-queue"),
    path("metrics", metrics.metrics, name="metrics"),
]
