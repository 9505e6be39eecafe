"""What /api/v1/customers takes and answers."""

from __future__ import annotations

from marshmallow import Schema, ValidationError, fields, validate, validates_schema

from app.domains.customers.canonical import Ask
from app.domains.customers.service import MOST_DAYS, PURPOSES, STATES

MOST_ROWS = 200
_FEW = validate.Length(max=50)
_REASON = validate.Length(min=1, max=500)


class CustomerFilter(Schema):
    """What a list of customers is narrowed by. `q` is an e-mail, phone, tax id, id, or number in any system."""

    q = fields.String(load_default="", validate=validate.Length(max=200))
    kind = fields.String(load_default="", validate=validate.OneOf(("", "person", "company")))
    group = fields.String(load_default="")
    before = fields.UUID(load_default=None, metadata={"description": "`next` of the page before."})
    limit = fields.Integer(load_default=50, validate=validate.Range(min=1, max=MOST_ROWS))


class CustomerSchema(Schema):
    """A customer in one row."""

    account_id = fields.String(required=True)
    kind = fields.String(required=True)
    name = fields.String(required=True)
    company = fields.String(required=True)
    email = fields.String(required=True)
    phone = fields.String(required=True, metadata={"description": "E.164 where its country is known."})
    country = fields.String(required=True)
    guest = fields.Boolean(required=True)
    withheld = fields.Boolean(required=True)
    tax_ids = fields.List(fields.String(), required=True)
    groups = fields.List(fields.String(), required=True)
    merged_into = fields.String(required=True, metadata={"description": "The account that it is now, if any."})
    erased_at = fields.AwareDateTime(required=True, allow_none=True)
    created_at = fields.AwareDateTime(required=True)
    changed_at = fields.AwareDateTime(required=True)


class CustomerPage(Schema):
    """A page of customers, newest first; `next` goes on, null on the last page."""

    customers = fields.List(fields.Nested(CustomerSchema), required=True)
    next = fields.String(required=True, allow_none=True)


class CustomerRoom(Schema):
    """How much more may be ordered on account. Amounts are exact and text; `left` is null where it cannot be told."""

    balance = fields.String(required=True, allow_none=True, metadata={"description": "Owed in the ERP's books."})
    open_orders = fields.String(required=True, metadata={"description": "Accepted on account and not invoiced."})
    open_count = fields.Integer(required=True)
    strange = fields.Integer(required=True, metadata={"description": "Open orders in another currency."})
    left = fields.String(required=True, allow_none=True)


class CustomerDetail(CustomerSchema):
    """A customer with everything around it."""

    family = fields.List(fields.String(), required=True, metadata={"description": "It and what was merged into it."})
    addresses = fields.List(fields.Raw(), required=True)
    contact_points = fields.List(fields.Raw(), required=True)
    checked_tax_ids = fields.List(fields.Raw(), required=True)
    consents = fields.List(fields.Raw(), required=True, metadata={"description": "The latest of each purpose."})
    credit_terms = fields.Raw(required=True, allow_none=True)
    credit_room = fields.Nested(CustomerRoom, required=True, allow_none=True)
    possible_duplicates = fields.List(fields.String(), required=True)
    locations = fields.List(fields.Raw(), required=True)
    members = fields.List(fields.Raw(), required=True)
    acts_for = fields.List(fields.Raw(), required=True)
    known_as = fields.List(fields.Raw(), required=True, metadata={"description": "Its id in every system."})
    merges = fields.List(fields.Raw(), required=True)


class CustomerContactPoint(Schema):
    """An e-mail or phone number; a verified one tells who somebody is."""

    kind = fields.String(required=True, validate=validate.OneOf(("email", "phone")))
    value = fields.String(required=True, validate=validate.Length(min=1, max=320))
    verified = fields.Boolean(load_default=False)


class CustomerConsent(Schema):
    """What a person agreed to or withdrew, and when."""

    purpose = fields.String(required=True, validate=validate.OneOf(PURPOSES))
    state = fields.String(required=True, validate=validate.OneOf(STATES))
    given_at = fields.AwareDateTime(required=True)


class CustomerTerms(Schema):
    """How much and how long an account may owe; no limit where `limit` is null."""

    currency = fields.String(required=True, validate=validate.Regexp(r"^[A-Z]{3}$"))
    limit = fields.String(load_default=None, allow_none=True, metadata={"description": "An exact amount, as text."})
    days = fields.Integer(load_default=0, validate=validate.Range(min=0, max=MOST_DAYS))
    blocked = fields.Boolean(load_default=False)


class CustomerChange(Schema):
    """What of a customer is set or added; what is not named stays. All of it, or nothing."""

    contact_points = fields.List(
        fields.Nested(CustomerContactPoint), load_default=list, validate=validate.Length(max=50)
    )
    tax_ids = fields.List(fields.String(validate=validate.Length(min=1, max=40)), load_default=list)
    consents = fields.List(fields.Nested(CustomerConsent), load_default=list, validate=_FEW)
    credit_terms = fields.Nested(CustomerTerms, load_default=None)
    groups = fields.List(fields.String(validate=validate.Length(max=80)), load_default=None)


class CustomerMerge(Schema):
    """The account that becomes the one of the address, and why."""

    merged_id = fields.UUID(required=True)
    reason = fields.String(required=True, validate=_REASON)


class CustomerMerged(Schema):
    """A merge; its id takes it back."""

    merge_id = fields.String(required=True)


class CustomerReason(Schema):
    """Why; kept with the caller's name."""

    reason = fields.String(required=True, validate=_REASON)


class CustomersApart(CustomerReason):
    """Two accounts that are two customers."""

    account_id = fields.UUID(required=True)
    other_id = fields.UUID(required=True)


class AlikeCustomersSchema(Schema):
    """Two accounts that may be one, with what speaks for it, of 100."""

    one = fields.Nested(CustomerSchema, required=True)
    other = fields.Nested(CustomerSchema, required=True)
    score = fields.Integer(required=True)
    signs = fields.List(fields.String(), required=True)
    state = fields.String(required=True)
    found_at = fields.AwareDateTime(required=True)


class AlikeCustomersList(Schema):
    """Pairs, the likeliest first."""

    pairs = fields.List(fields.Nested(AlikeCustomersSchema), required=True)


class AlikeCustomersFilter(Schema):
    """Which pairs."""

    state = fields.String(load_default="open", validate=validate.OneOf(("open", "merged", "distinct")))
    limit = fields.Integer(load_default=50, validate=validate.Range(min=1, max=MOST_ROWS))


class PrivacyIn(CustomerReason):
    """What is asked, for an account or for every account with an e-mail. The reason names nobody."""

    ask = fields.Enum(Ask, by_value=True, required=True, validate=validate.NoneOf((Ask.ERASE_SHOP,)))
    account_id = fields.UUID(load_default=None)
    email = fields.Email(load_default="")

    @validates_schema
    def _one_person(self, given: dict[str, object], **more: object) -> None:
        if bool(given.get("account_id")) == bool(given.get("email")):
            raise ValidationError("Name the person by account_id or by email, one of them.")


class PrivacySchema(Schema):
    """A request, which names nobody. `proof` counts what was erased."""

    request_id = fields.String(required=True)
    kind = fields.String(required=True)
    state = fields.String(required=True)
    connection = fields.String(required=True)
    source = fields.String(required=True)
    asked_by = fields.String(required=True)
    asked_at = fields.AwareDateTime(required=True)
    due_at = fields.AwareDateTime(required=True)
    said = fields.String(required=True)
    proof = fields.Raw(required=True)
    ended_at = fields.AwareDateTime(required=True, allow_none=True)
    file_until = fields.AwareDateTime(required=True, allow_none=True)
    run_id = fields.String(required=True)


class PrivacyList(Schema):
    """Requests, the newest first; `next` goes on, null on the last page."""

    requests = fields.List(fields.Nested(PrivacySchema), required=True)
    next = fields.String(required=True, allow_none=True)


class PrivacyFilter(Schema):
    """Which requests."""

    pending = fields.Boolean(load_default=False)
    before = fields.UUID(load_default=None)
    limit = fields.Integer(load_default=50, validate=validate.Range(min=1, max=MOST_ROWS))


class CompanyPlace(Schema):
    """A place of a company. What `connection` calls it lets orders for it be the company's, and count on its credit."""

    name = fields.String(required=True, validate=validate.Length(min=1, max=200))
    line1 = fields.String(load_default="", validate=validate.Length(max=200))
    line2 = fields.String(load_default="", validate=validate.Length(max=200))
    city = fields.String(load_default="", validate=validate.Length(max=100))
    province_code = fields.String(load_default="", validate=validate.Length(max=10))
    postal_code = fields.String(load_default="", validate=validate.Length(max=20))
    country_code = fields.String(load_default="", validate=validate.Regexp(r"^([A-Z]{2})?$"))
    connection = fields.String(load_default="", metadata={"description": "Empty: the key's own connection."})
    external_id = fields.String(load_default="", validate=validate.Length(max=200))


class CompanyPlaceKept(Schema):
    """A place that is kept."""

    location_id = fields.UUID(required=True)


class CompanyMember(Schema):
    """A person who acts for a company, at all its places or at one."""

    role = fields.String(load_default="", validate=validate.Length(max=80))
    location_id = fields.UUID(load_default=None, allow_none=True)


class CustomerSourceNamed(Schema):
    """Which connection's customers."""

    connection = fields.String(required=True, validate=validate.Length(min=1, max=100))
    reason = fields.String(load_default="", validate=validate.Length(max=500))


class CustomerSourceAsked(CustomerSourceNamed):
    """Which connection's customers: all of them, or what changed since the last import."""

    whole = fields.Boolean(load_default=False)


class CustomerRun(Schema):
    """A run that was begun; `/api/v1/runs/<run_id>` tells how far it is."""

    run_id = fields.UUID(required=True)
