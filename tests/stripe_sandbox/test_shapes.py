"""Every object the sandbox returns has the shape the installed ``stripe`` package documents."""

from stripe_sandbox.testing import LocalSandbox
from tests.stripe_sandbox.life import LISTS, live
from tests.stripe_sandbox.shapes import problems


def test_every_object_has_the_documented_shape(sandbox: LocalSandbox) -> None:
    live(sandbox)
    found: dict[str, str] = {}
    seen: set[str] = set()

    def look(obj: dict) -> None:
        seen.add(obj["object"])
        for problem in problems(obj):
            found.setdefault(problem.replace("data.object.", ""), obj.get("id", ""))

    client = sandbox.client
    for path, expand in LISTS.items():
        separator = "&" if "?" in path else "?"
        query = "".join(f"&expand[]={name}" for name in expand)
        answer = client.raw_request("get", f"{path}{separator}limit=100{query}")
        for obj in answer.data["data"]:
            look(obj)
            if obj["object"] == "event":
                look(obj["data"]["object"] | {"id": obj["data"]["object"].get("id", "upcoming")})
    customer = client.v1.customers.list({"email": "ada@example.com"}).data[-1]
    for path in (
        "/v1/account",
        "/v1/balance",
        f"/v1/customers/{customer.id}/payment_methods",
        f"/v1/customers/{customer.id}/balance_transactions",
    ):
        answer = client.raw_request("get", path).data
        for obj in answer["data"] if answer["object"] == "list" else [answer]:
            look(obj)
    assert not found, "\n" + "\n".join(f"{problem} ({where})" for problem, where in sorted(found.items()))
    assert len(seen) >= 27, sorted(seen)


def test_the_checker_sees_what_is_wrong() -> None:
    coupon = {
        "id": "X",
        "object": "coupon",
        "created": "yesterday",
        "duration": "always",
        "livemode": False,
        "times_redeemed": 0,
        "colour": "red",
    }
    assert sorted(problems(coupon)) == [
        "coupon.colour: not documented",
        "coupon.created: 'yesterday' is not int",
        "coupon.duration: 'always' is not one of ['forever', 'once', 'repeating']",
        "coupon.valid: missing",
    ]
