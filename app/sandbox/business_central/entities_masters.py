"""Property tables of the masters.

Facts: names and types from the v2.0 resource pages of Microsoft's documentation; lengths from the v1.0 OpenAPI
where it has them, else from the API page sources.
"""

from __future__ import annotations

from app.sandbox.business_central.properties import Entity, entity

_MODIFIED = "lastModifiedDateTime:datetime!"
_CODED = f"id:guid! code:code10 displayName:text100 {_MODIFIED}"

MASTERS: tuple[Entity, ...] = (
    entity(
        "company",
        "companies",
        "id:guid! systemVersion:text250! timestamp:int! name:text30! displayName:text250! "
        "businessProfileId:text250! systemCreatedAt:datetime! systemCreatedBy:guid! "
        "systemModifiedAt:datetime! systemModifiedBy:guid!",
    ),
    entity(
        "companyInformation",
        "companyInformation",
        "id:guid! displayName:text100 addressLine1:text100 addressLine2:text50 city:text30 state:text30 "
        "country:code10 postalCode:code20 phoneNumber:text30 faxNumber:text30 email:text80 website:text80 "
        f"taxRegistrationNumber:text20 currencyCode:code10! currentFiscalYearStartDate:date! industry:text30 "
        f"experience:text30! {_MODIFIED}",
    ),
    entity(
        "customer",
        "customers",
        "id:guid! number:code20 displayName:text100 type:option addressLine1:text100 addressLine2:text50 "
        "city:text30 state:text30 country:code10 postalCode:code20 phoneNumber:text30 email:text80 website:text80 "
        "salespersonCode:code20 balanceDue:decimal! creditLimit:decimal taxLiable:bool taxAreaId:guid "
        "taxAreaDisplayName:text100! taxRegistrationNumber:text20 currencyId:guid currencyCode:code10 "
        f"paymentTermsId:guid shipmentMethodId:guid paymentMethodId:guid blocked:option {_MODIFIED}",
        options={"type": ("Company", "Person"), "blocked": (" ", "Ship", "Invoice", "All")},
        one="currency=currencyId>currencies paymentTerm=paymentTermsId>paymentTerms "
        "shipmentMethod=shipmentMethodId>shipmentMethods paymentMethod=paymentMethodId>paymentMethods "
        "customerFinancialDetail=id>customerFinancialDetails",
    ),
    entity(
        "item",
        "items",
        "id:guid! number:code20 displayName:text100 displayName2:text50 type:option itemCategoryId:guid "
        "itemCategoryCode:code20 blocked:bool gtin:code14 inventory:decimal! unitPrice:decimal "
        "priceIncludesTax:bool unitCost:decimal taxGroupId:guid taxGroupCode:code20 baseUnitOfMeasureId:guid "
        "baseUnitOfMeasureCode:code10 generalProductPostingGroupId:guid generalProductPostingGroupCode:code20 "
        f"inventoryPostingGroupId:guid inventoryPostingGroupCode:code20 {_MODIFIED}",
        options={"type": ("Inventory", "Service", "Non-Inventory")},
        one="unitOfMeasure=baseUnitOfMeasureId>unitsOfMeasure",
        many="itemVariants>itemId",
    ),
    entity(
        "itemVariant",
        "itemVariants",
        f"id:guid! itemId:guid itemNumber:code20 code:code10 description:text100 {_MODIFIED}",
        one="item=itemId>items",
    ),
    entity(
        "unitOfMeasure",
        "unitsOfMeasure",
        f"id:guid! code:code10 displayName:text50 internationalStandardCode:code10 symbol:text10 {_MODIFIED}",
    ),
    entity(
        "location",
        "locations",
        "id:guid! code:code10 displayName:text100 contact:text100 addressLine1:text100 addressLine2:text50 "
        "city:text30 state:text30 country:code10 postalCode:code20 phoneNumber:text30 email:text80 website:text80 "
        f"{_MODIFIED}",
    ),
    entity(
        "currency",
        "currencies",
        "id:guid! code:code10 displayName:text30 symbol:text10 amountDecimalPlaces:text5 "
        f"amountRoundingPrecision:decimal {_MODIFIED}",
    ),
    entity(
        "taxGroup",
        "taxGroups",
        f"id:guid! code:code20 displayName:text100 taxType:option! {_MODIFIED}",
        options={"taxType": ("Sales Tax", "VAT")},
    ),
    entity(
        "taxArea",
        "taxAreas",
        f"id:guid! code:code20 displayName:text100 taxType:option! {_MODIFIED}",
        options={"taxType": ("Sales Tax", "VAT")},
    ),
    entity("paymentMethod", "paymentMethods", _CODED),
    entity(
        "paymentTerm",
        "paymentTerms",
        "id:guid! code:code10 displayName:text100 dueDateCalculation:text32 discountDateCalculation:text32 "
        f"discountPercent:decimal calculateDiscountOnCreditMemos:bool {_MODIFIED}",
    ),
    entity("shipmentMethod", "shipmentMethods", _CODED),
)
