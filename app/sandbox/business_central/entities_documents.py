"""Property tables of the sales documents and their lines.

Facts: as for the masters. `pricesIncludeTax` is documented read-only everywhere; the API page source lets salesOrders
write it, and refuses it for Sales Tax, so does the sandbox.
"""

from __future__ import annotations

from app.sandbox.business_central.properties import Entity, entity

_MODIFIED = "lastModifiedDateTime:datetime!"
_LINE_TYPES = ("Comment", "Account", "Item", "Resource", "Fixed Asset", "Charge")


def _address(role: str, mark: str = "") -> str:
    parts = "AddressLine1:text100 AddressLine2:text50 City:text30 Country:code10 State:text30 PostCode:code20"
    return " ".join(f"{role}{part}{mark}" for part in parts.split())


_PARTIES = (
    "customerId:guid customerNumber:code20 customerName:text100! billToName:text100! billToCustomerId:guid "
    "billToCustomerNumber:code20"
)
_SHIP_TO = f"shipToName:text100 shipToContact:text100 {_address('shipTo')}"
_TERMS = "currencyId:guid currencyCode:code10 paymentTermsId:guid shipmentMethodId:guid salesperson:code20"
_TOTALS = (
    "discountAmount:decimal discountAppliedBeforeTax:bool! totalAmountExcludingTax:decimal! "
    "totalTaxAmount:decimal! totalAmountIncludingTax:decimal!"
)
_REACH = "phoneNumber:text30 email:text80"
_DIMENSIONS = "shortcutDimension1Code:code20 shortcutDimension2Code:code20"
_WAYS = (
    "customer=customerId>customers currency=currencyId>currencies paymentTerm=paymentTermsId>paymentTerms "
    "shipmentMethod=shipmentMethodId>shipmentMethods"
)
_LINE = (
    "id:guid! documentId:guid sequence:int itemId:guid accountId:guid lineType:option lineObjectNumber:code20 "
    "description:text100 description2:text50 unitOfMeasureId:guid unitOfMeasureCode:code10 quantity:decimal "
    "unitPrice:decimal discountAmount:decimal discountPercent:decimal discountAppliedBeforeTax:bool! "
    "amountExcludingTax:decimal! taxCode:code20 taxPercent:decimal! totalTaxAmount:decimal! "
    "amountIncludingTax:decimal! invoiceDiscountAllocation:decimal! netAmount:decimal! netTaxAmount:decimal! "
    "netAmountIncludingTax:decimal! shipmentDate:date"
)
_LINE_WAYS = (
    "item=itemId>items account=accountId>accounts unitOfMeasure=unitOfMeasureId>unitsOfMeasure "
    "itemVariant=itemVariantId>itemVariants location=locationId>locations"
)

DOCUMENTS: tuple[Entity, ...] = (
    entity(
        "salesOrder",
        "salesOrders",
        f"id:guid! number:code20! externalDocumentNumber:code35 orderDate:date postingDate:date {_PARTIES} {_SHIP_TO} "
        f"{_address('sellTo')} {_address('billTo', '!')} {_DIMENSIONS} {_TERMS} pricesIncludeTax:bool "
        f"partialShipping:bool requestedDeliveryDate:date {_TOTALS} fullyShipped:bool! status:option! {_MODIFIED} "
        f"{_REACH}",
        options={"status": ("Draft", "In Review", "Open")},
        one=_WAYS,
        many="salesOrderLines>documentId",
        actions=("shipAndInvoice",),
    ),
    entity(
        "salesOrderLine",
        "salesOrderLines",
        f"{_LINE} shippedQuantity:decimal! invoicedQuantity:decimal! invoiceQuantity:decimal shipQuantity:decimal "
        "itemVariantId:guid locationId:guid",
        options={"lineType": _LINE_TYPES},
        one=f"{_LINE_WAYS} salesOrder=documentId>salesOrders",
    ),
    entity(
        "salesShipment",
        "salesShipments",
        "id:guid! number:code20! externalDocumentNumber:code35! invoiceDate:date! postingDate:date! dueDate:date! "
        "customerPurchaseOrderReference:text35! customerId:guid! customerNumber:code20! customerName:text100! "
        "billToCustomerId:guid! billToName:text100! billToCustomerNumber:code20! shipToName:text100! "
        f"shipToContact:text100! {_address('sellTo', '!')} {_address('billTo', '!')} {_address('shipTo', '!')} "
        "currencyCode:code10! orderNumber:code20! paymentTermsCode:code10! shipmentMethodCode:code10! "
        f"salesperson:code20! pricesIncludeTax:bool! {_MODIFIED} phoneNumber:text30! email:text80!",
        one="customer=customerId>customers",
        many="salesShipmentLines>documentId",
    ),
    entity(
        "salesShipmentLine",
        "salesShipmentLines",
        "id:guid! documentId:guid! documentNo:code20! sequence:int! lineType:option! lineObjectNumber:code20! "
        "description:text100! description2:text50! unitOfMeasureCode:code10! unitPrice:decimal! quantity:decimal! "
        "discountPercent:decimal! taxPercent:decimal! shipmentDate:date!",
        options={"lineType": _LINE_TYPES},
        one="salesShipment=documentId>salesShipments",
    ),
    entity(
        "salesInvoice",
        "salesInvoices",
        "id:guid! number:code20! externalDocumentNumber:code35 invoiceDate:date postingDate:date dueDate:date "
        f"promisedPayDate:date customerPurchaseOrderReference:text35 {_PARTIES} {_SHIP_TO} {_address('sellTo')} "
        f"{_address('billTo', '!')} {_DIMENSIONS} {_TERMS} orderId:guid! orderNumber:code20! disputeStatusId:guid "
        f"disputeStatus:code10 pricesIncludeTax:bool! remainingAmount:decimal! {_TOTALS} status:option! {_MODIFIED} "
        f"{_REACH}",
        options={"status": ("Draft", "In Review", "Open", "Paid", "Canceled", "Corrective")},
        one=_WAYS,
        many="salesInvoiceLines>documentId",
        actions=("cancel", "makeCorrectiveCreditMemo", "post"),
    ),
    entity(
        "salesInvoiceLine",
        "salesInvoiceLines",
        f"{_LINE} itemVariantId:guid locationId:guid",
        options={"lineType": _LINE_TYPES},
        one=f"{_LINE_WAYS} salesInvoice=documentId>salesInvoices",
    ),
    entity(
        "salesCreditMemo",
        "salesCreditMemos",
        "id:guid! number:code20! externalDocumentNumber:code35 creditMemoDate:date postingDate:date dueDate:date "
        f"{_PARTIES} {_address('sellTo')} {_address('billTo', '!')} {_DIMENSIONS} {_TERMS} pricesIncludeTax:bool! "
        f"{_TOTALS} status:option! {_MODIFIED} invoiceId:guid invoiceNumber:code20 {_REACH} "
        "customerReturnReasonId:guid",
        options={"status": ("Draft", "In Review", "Open", "Paid", "Canceled", "Corrective")},
        one=_WAYS,
        many="salesCreditMemoLines>documentId",
        actions=("cancel", "post"),
    ),
    entity(
        "salesCreditMemoLine",
        "salesCreditMemoLines",
        f"{_LINE} itemVariantId:guid locationId:guid",
        options={"lineType": _LINE_TYPES},
        one=f"{_LINE_WAYS} salesCreditMemo=documentId>salesCreditMemos",
    ),
)
