"""The page where people sign in."""

from __future__ import annotations

from django.contrib.auth.forms import AuthenticationForm
from django.contrib.auth.views import LoginView
from django.http.response import HttpResponse, HttpResponseBase

from configuration.models import User
from contacthub_project.admin.sign_in.flow import begin_session


class SignInView(LoginView):
    """User name and password, and then the second factor of who has one."""

    template_name = "sign_in/sign_in.html"

    def form_valid(self, form: AuthenticationForm) -> HttpResponse:
        user = form.get_user()
        assert isinstance(user, User)
        answer: HttpResponseBase = begin_session(
            self.request, user, method="password", redirect_to=self.get_success_url()
        )
        assert isinstance(answer, HttpResponse)
        return answer
