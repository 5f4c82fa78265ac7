"""The signed-in person's own page."""

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache

from accounts.forms import ProfileForm
from accounts.models import User
from accounts.services.users import rename_user


@never_cache
@login_required
def profile(request: HttpRequest) -> HttpResponse:
    assert isinstance(request.user, User)
    form = ProfileForm(request.POST or None, initial={"name": request.user.name})
    if request.method == "POST" and form.is_valid():
        rename_user(user=request.user, name=form.cleaned_data["name"])
        messages.success(request, "Saved.")
        return redirect("accounts:profile")
    memberships = request.user.memberships.select_related("organization").order_by("organization__name")
    context = {"form": form, "mine": memberships}
    return render(request, "accounts/profile.html", context, status=400 if form.errors else 200)
