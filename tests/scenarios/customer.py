"""A customer who changes plans on the portal's pages, as a browser without JavaScript would."""

import re
from collections.abc import Callable
from html import unescape
from typing import Any

from django.test import Client
from django.urls import reverse

from tests.plans.stage import Stage


class Customer:
    def __init__(self, stage: Stage, sign_in: Callable[[], Client]) -> None:
        self.stage, self._sign_in = stage, sign_in

    @property
    def browser(self) -> Client:
        """Signed in anew: between two visits more time may pass than a session lasts."""
        return self._sign_in()

    def address(self, name: str, **parameters: Any) -> str:
        return reverse(f"plans:{name}", kwargs={"org_id": self.stage.organization.public_id, **parameters})

    def read(self, address: str, **query: Any) -> str:
        """What a page says, on one line."""
        answer = self.browser.get(address, query)
        assert answer.status_code == 200, (answer.status_code, answer.get("Location"))
        return self.text(answer.content.decode())

    def text(self, page: str) -> str:
        return " ".join(unescape(re.sub(r"<[^>]+>", " ", page)).split())

    def review(self, plan: str, interval: str = "month", quantity: int | None = None) -> str:
        """Look at a choice before confirming it."""
        chosen = {"plan": plan, "interval": interval} | ({"quantity": quantity} if quantity else {})
        answer = self.browser.get(self.address("review"), chosen)
        self.page = answer.content.decode()
        return self.text(self.page)

    def confirm(self, name: str = "review") -> str:
        """Press the button of the page just looked at; returns where it leads."""
        form = self.page[self.page.rindex('<form class="form" method="post"') :]
        values = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', form))
        with self.stage.commit():
            answer = self.browser.post(self.address(name), values)
        assert answer.status_code == 302, self.text(answer.content.decode())
        return str(answer["Location"])

    def press(self, name: str, **parameters: Any) -> None:
        """One of the plan page's own buttons."""
        with self.stage.commit():
            answer = self.browser.post(self.address(name, **parameters))
        assert answer.status_code == 302
        self.stage.deliver()

    def subscribe(self, plan: str, interval: str = "month", quantity: int | None = None) -> None:
        """From the page to the hosted checkout and back."""
        self.review(plan, interval, quantity)
        checkout = self.confirm()
        paid = self.stage.sandbox.pay(checkout.rsplit("/", 1)[-1].partition("#")[0])
        assert paid["status"] == "complete", paid
        self.stage.deliver()
