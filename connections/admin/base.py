"""What all our admin pages share: who sees what, pages of big tables, and actions that are buttons."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, ClassVar, Generic, TypeVar

from django.contrib import admin, messages
from django.contrib.admin.views.main import ChangeList
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.functional import cached_property
from django.utils.html import format_html
from django.utils.safestring import SafeString

from connections.models import Connection, User

M = TypeVar("M", bound=Model)

if TYPE_CHECKING:
    _ModelAdmin = admin.ModelAdmin
    _Paginator = Paginator[Any]
else:  # not generic when they run
    _Paginator = Paginator

    class _ModelAdmin(admin.ModelAdmin, Generic[M]):
        pass


def staff(request: HttpRequest) -> User:
    """Who is at it; the admin site lets nobody else in."""
    if not isinstance(request.user, User):
        raise PermissionDenied
    return request.user


COUNTED = 5_000  # rows up to which a list says how many there are


class CappedPaginator(_Paginator):
    """Counts no further than `COUNTED`: a list costs the same however many rows there are."""

    @cached_property
    def count(self) -> int:
        rows: Any = self.object_list
        return int(rows.order_by()[: COUNTED + 1].count()) if isinstance(rows, QuerySet) else len(rows)

    @property
    def more(self) -> bool:
        return self.count > COUNTED


class PairwiseAdmin(_ModelAdmin[M]):
    """Every list and page of ours goes through here: it is the one place to narrow what staff may see."""

    def get_queryset(self, request: HttpRequest) -> QuerySet[M]:
        return visible(super().get_queryset(request), request)

    def button(self, request: HttpRequest, pk: Any) -> M:
        """The row a button was pressed for, or an answer that tells nothing more. For use in views of `buttons`."""
        if request.method != "POST" or not self.may_act(request):
            raise PermissionDenied
        return self.row(request, pk)

    def row(self, request: HttpRequest, pk: Any) -> M:
        found = self.get_object(request, str(pk))
        if found is None:
            raise PermissionDenied
        return found

    def may_act(self, request: HttpRequest) -> bool:
        return bool(request.user.has_perm(f"{self.opts.app_label}.change_{self.opts.model_name}"))

    has_act_permission = may_act  # for `permissions=["act"]` of actions

    def extra_urls(self) -> Iterable[tuple[str, Callable[..., HttpResponseBase], str]]:
        """Route below the row's own, view, and name."""
        return ()

    def get_urls(self) -> list[URLPattern]:
        own = [
            path(f"<int:pk>/{route}/", self.admin_site.admin_view(view), name=f"{self.url_name}_{name}")
            for route, view, name in self.extra_urls()
        ]
        return [*own, *super().get_urls()]

    @property
    def url_name(self) -> str:
        return f"{self.opts.app_label}_{self.opts.model_name}"

    def page(self, request: HttpRequest, template: str, title: str, **context: Any) -> TemplateResponse:
        return page(request, template, title, opts=self.opts, **context)

    def back(self, request: HttpRequest, row: Model, message: str = "", level: int = messages.SUCCESS) -> HttpResponse:
        if message:
            self.message_user(request, message, level)
        return HttpResponseRedirect(address(row))


class EngineOwned(PairwiseAdmin[M]):
    """Rows that only the engine writes: to look at, not to edit. What people may do with them are buttons."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: M | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: M | None = None) -> bool:
        return False

    def has_view_permission(self, request: HttpRequest, obj: M | None = None) -> bool:
        return admin.ModelAdmin.has_view_permission(self, request, obj)


class BigTable(EngineOwned[M]):
    """A table that may hold hundreds of thousands of rows. `list_columns` are all that a list reads."""

    paginator = CappedPaginator
    show_full_result_count = False
    show_facets = admin.ShowFacets.NEVER
    list_per_page = 50
    list_max_show_all = 0
    sortable_by: ClassVar[tuple[str, ...]] = ()
    list_columns: ClassVar[tuple[str, ...]] = ()

    def get_changelist_instance(self, request: HttpRequest) -> ChangeList:
        changes = super().get_changelist_instance(request)
        if self.list_columns:
            rows: Any = changes.result_list
            changes.result_list = rows.only(*self.list_columns) if isinstance(rows, QuerySet) else rows
        return changes


def page(request: HttpRequest, template: str, title: str, **context: Any) -> TemplateResponse:
    """A page of the admin that is not one of Django's own."""
    request.current_app = admin.site.name
    shared = {**admin.site.each_context(request), "title": title}
    return TemplateResponse(request, f"admin/pairwise/{template}.html", {**shared, **context})


def visible(rows: QuerySet[M], request: HttpRequest) -> QuerySet[M]:
    """What this member of staff may see. Staff work for all tenants; a narrower rule belongs here and nowhere else."""
    return rows


def address(row: Model, page: str = "change") -> str:
    name = f"admin:{row._meta.app_label}_{row._meta.model_name}_{page}"
    return reverse(name, args=[row.pk])


def listing(model: type[Model], **query: Any) -> str:
    """The list of a model, filtered."""
    base = reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist")
    return base + ("?" + "&".join(f"{key}={value}" for key, value in query.items()) if query else "")


def link(row: Model | None, text: str = "") -> SafeString | str:
    return "—" if row is None else format_html('<a href="{}">{}</a>', address(row), text or str(row))


class ConnectionFilter(admin.SimpleListFilter):
    """Connections by name: the first ones, and always the chosen one."""

    title = "connection"
    parameter_name = "connection"
    shown = 30

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        rows = visible(Connection.objects.order_by("name"), request).values_list("id", "name")
        found = [(str(pk), name) for pk, name in rows[: self.shown]]
        chosen = self.value()
        if chosen and chosen.isdigit() and chosen not in dict(found):
            found += [(str(pk), name) for pk, name in rows.filter(pk=chosen)]
        return found

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        value = self.value()
        if not value:
            return queryset
        return queryset.filter(connection_id=int(value)) if value.isdigit() else queryset.none()
