"""Business Central's people and clients, as a test speaks with them over HTTP."""

from __future__ import annotations

from typing import Any

import urllib3

from app.sandbox.serving import Served

NOWHERE = "00000000-0000-0000-0000-000000000000"


class Erp:
    """A client of one company of a served sandbox."""

    def __init__(self, served: Served, http: urllib3.PoolManager, company: str = "") -> None:
        self.served, self.http = served, http
        settings = served.sandbox.settings
        self.root = f"{served.url}/business-central/v2.0/{settings.tenant}/{settings.environment}/api/v2.0"
        self.headers = {"Authorization": f"Bearer {self.token()}"}
        companies = self.ask("GET", f"{self.root}/companies").json()["value"]
        self.company = next(each for each in companies if company in {"", each["name"]})
        self.base = f"{self.root}/companies({self.company['id']})"

    def token(self, **changed: str) -> str:
        settings = self.served.sandbox.settings
        form = {"grant_type": "client_credentials", "scope": "https://api.businesscentral.dynamics.com/.default",
                "client_id": settings.client_id, "client_secret": settings.client_secret, **changed}  # fmt: skip
        url = f"{self.served.url}/business-central/{settings.tenant}/oauth2/v2.0/token"
        answer = self.http.request("POST", url, fields=form, encode_multipart=False)
        return answer.json().get("access_token", "") if answer.status == 200 else ""

    def ask(self, method: str, url: str, body: Any = None, **headers: str) -> urllib3.BaseHTTPResponse:
        url = url if url.startswith("http") else f"{self.base}/{url}"
        url = url.replace(" ", "%20")
        sent = {**self.headers, **{name.replace("_", "-"): value for name, value in headers.items()}}
        if body is None:
            return self.http.request(method, url, headers=sent)
        return self.http.request(method, url, json=body, headers=sent)

    def get(self, url: str, **headers: str) -> Any:
        answer = self.ask("GET", url, **headers)
        assert answer.status == 200, answer.data
        return answer.json()

    def all(self, url: str) -> list[Any]:
        return list(self.get(url)["value"])

    def add(self, url: str, body: Any) -> Any:
        answer = self.ask("POST", url, body)
        assert answer.status == 201, answer.data
        return answer.json()

    def change(self, set_name: str, record: Any, body: Any) -> Any:
        answer = self.ask("PATCH", f"{set_name}({record['id']})", body, If_Match=record["@odata.etag"])
        assert answer.status == 200, answer.data
        return answer.json()

    def act(self, set_name: str, record: Any, action: str) -> urllib3.BaseHTTPResponse:
        return self.ask("POST", f"{set_name}({record['id']})/Microsoft.NAV.{action}", {})

    def refused(self, method: str, url: str, body: Any = None, **headers: str) -> tuple[int, str, str]:
        """Ask for something that must be refused: status, error code and message."""
        answer = self.ask(method, url, body, **headers)
        assert answer.status >= 400, answer.data
        error = answer.json()["error"]
        assert "CorrelationId:" in error["message"]
        return answer.status, error["code"], error["message"]

    def people(self, what: str, **written: Any) -> Any:
        written = {"company": self.company["name"], **written}
        answer = self.http.request("POST", f"{self.served.url}/_business_central/{what}", json=written)
        assert answer.status == 200, answer.data
        return answer.json()

    def edit(self, set_name: str, values: dict[str, Any], **by: str) -> Any:
        return self.people("edit", set=set_name, values=values, **by)["record"]

    def item(self, number: str = "MO-TEE-M") -> str:
        return str(self.all(f"items?$filter=number eq '{number}'")[0]["id"])

    def account(self, number: str) -> str:
        return str(self.all(f"accounts?$filter=number eq '{number}'")[0]["id"])

    def item_line(self, quantity: float, price: float, discount: float = 0, **more: Any) -> dict[str, Any]:
        line = {"itemId": self.item(), **more, "quantity": quantity, "unitPrice": price, "discountAmount": discount}
        return {**line, "sequence": more["sequence"]} if "sequence" in more else line

    def account_line(self, number: str, price: float, **more: Any) -> dict[str, Any]:
        return {"accountId": self.account(number), "quantity": 1, "unitPrice": price, "discountAmount": 0, **more}

    def order(self, *lines: dict[str, Any], **head: Any) -> Any:
        """Place an order by one deep insert and read it back with its lines."""
        body = {"customerNumber": "WEB", **head, "salesOrderLines": list(lines)}
        return self.read(self.add("salesOrders", body))

    def read(self, order: Any) -> Any:
        return self.get(f"salesOrders({order['id']})?$expand=salesOrderLines")
