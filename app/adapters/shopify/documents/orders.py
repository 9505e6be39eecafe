"""Reading an order, under the names that the webhook has, so that one translation reads both."""

from __future__ import annotations

from collections.abc import Callable

from app.adapters.shopify.documents.paging import PAGE

_PAIR = """
fragment Pair on MoneyBag {
  shop_money: shopMoney { amount currency_code: currencyCode }
  presentment_money: presentmentMoney { amount currency_code: currencyCode }
}"""

_TAX = """
fragment TaxRow on TaxLine { title rate channel_liable: channelLiable price_set: priceSet { ...Pair } }"""

_LINE = """
fragment LineRow on LineItem {
  id title sku vendor quantity taxable
  variant_title: variantTitle current_quantity: currentQuantity gift_card: isGiftCard
  requires_shipping: requiresShipping
  product { id }
  variant { id }
  group: lineItemGroup { id }
  properties: customAttributes { name: key value }
  price_set: originalUnitPriceSet { ...Pair }
  tax_lines: taxLines { ...TaxRow }
  discount_allocations: discountAllocations {
    amount_set: allocatedAmountSet { ...Pair }
    application: discountApplication { index }
  }
  duties {
    id harmonized_system_code: harmonizedSystemCode country_code_of_origin: countryCodeOfOrigin
    price_set: price { ...Pair }
    tax_lines: taxLines { ...TaxRow }
  }
}"""

_ADDRESS = """
fragment Place on MailingAddress {
  name company address1 address2 city province country zip phone
  first_name: firstName last_name: lastName province_code: provinceCode country_code: countryCodeV2
}"""

_TRANSACTION = """
fragment Movement on OrderTransaction {
  id kind status gateway test
  created_at: createdAt authorization_expires_at: authorizationExpiresAt payment_id: paymentId receipt: receiptJson
  settlement_currency: settlementCurrency settlement_currency_rate: settlementCurrencyRate
  amount_set: amountSet { ...Pair }
  parent: parentTransaction { id }
  fees {
    type
    amount { amount currency_code: currencyCode }
    tax_amount: taxAmount { amount currency_code: currencyCode }
  }
}"""

_APPLICATION = """
        type: __typename target_type: targetType allocation_method: allocationMethod
        value { ... on MoneyV2 { amount } ... on PricingPercentageValue { percentage } }
        ... on DiscountCodeApplication { code }
        ... on AutomaticDiscountApplication { title }
        ... on ManualDiscountApplication { title }
        ... on ScriptDiscountApplication { title }"""

_SHIPPING = """
        id code title carrier_identifier: carrierIdentifier is_removed: isRemoved
        price_set: originalPriceSet { ...Pair }
        tax_lines: taxLines { ...TaxRow }
        discount_allocations: discountAllocations {
          amount_set: allocatedAmountSet { ...Pair }
          application: discountApplication { index }
        }"""

_OWN = """
    name order_number: number test note tags email phone edited
    created_at: createdAt updated_at: updatedAt processed_at: processedAt cancelled_at: cancelledAt
    closed_at: closedAt cancel_reason: cancelReason po_number: poNumber customer_locale: customerLocale
    currency: currencyCode presentment_currency: presentmentCurrencyCode
    source_name: sourceName source_identifier: sourceIdentifier
    app { id }
    retail_location: retailLocation { id }
    taxes_included: taxesIncluded duties_included: dutiesIncluded estimated_taxes: estimatedTaxes
    tax_exempt: taxExempt financial_status: displayFinancialStatus fulfillment_status: displayFulfillmentStatus
    payment_gateway_names: paymentGatewayNames
    note_attributes: customAttributes { name: key value }
    customer {
      id: legacyResourceId first_name: firstName last_name: lastName
      email: defaultEmailAddress { emailAddress }
      phone: defaultPhoneNumber { phoneNumber }
      tax_exempt: taxExempt tax_exemptions: taxExemptions
    }
    purchasing_entity: purchasingEntity {
      ... on PurchasingCompany { company { id name } location { id name } }
    }
    billing_address: billingAddress { ...Place }
    shipping_address: shippingAddress { ...Place }
    payment_terms: paymentTerms { payment_terms_name: paymentTermsName }
    total_price_set: totalPriceSet { ...Pair }
    current_total_price_set: currentTotalPriceSet { ...Pair }
    total_discounts_set: totalDiscountsSet { ...Pair }
    subtotal_price_set: subtotalPriceSet { ...Pair }
    total_shipping_price_set: totalShippingPriceSet { ...Pair }
    total_tax_set: totalTaxSet { ...Pair }
    total_tip_received_set: totalTipReceivedSet { ...Pair }
    total_outstanding_set: totalOutstandingSet { ...Pair }
    original_total_duties_set: originalTotalDutiesSet { ...Pair }
    original_total_additional_fees_set: originalTotalAdditionalFeesSet { ...Pair }
    cash_rounding: totalCashRoundingAdjustment {
      total_cash_rounding_payment_adjustment_set: paymentSet { ...Pair }
      total_cash_rounding_refund_adjustment_set: refundSet { ...Pair }
    }
    tax_lines: taxLines { ...TaxRow }
    additional_fees: additionalFees {
      id name
      price_set: price { ...Pair }
      tax_lines: taxLines { ...TaxRow }
    }
    transactions(first: 25) { ...Movement }
    transactionsCount { count }
    refunds(first: 50) { id: legacyResourceId admin_graphql_api_id: id }"""


def fields(listed: Callable[[str, str, str], str], *, identity: str) -> str:
    """What is asked of an order. `listed(field, arguments, node)` words a connection, `identity` the order's ids."""
    connections = (
        listed("localized_fields: localizedFields", "first: 10, purposes: [TAX]", "key value"),
        listed("discount_applications: discountApplications", "first: 25", _APPLICATION),
        listed("line_items: lineItems", "first: 12", "...LineRow"),
        listed("shipping_lines: shippingLines", "first: 5, includeRemovals: true", _SHIPPING),
    )
    return "\n    ".join((identity, _OWN, *connections))


def _paged(field: str, arguments: str, node: str) -> str:
    return f"{field}({arguments}) {{ nodes {{ {node} }} {PAGE} }}"


FRAGMENTS = _PAIR + _TAX + _LINE + _ADDRESS + _TRANSACTION
_IDENTITY = "id: legacyResourceId admin_graphql_api_id: id"
ORDER = f"query Order($id: ID!) {{ order(id: $id) {{ {fields(_paged, identity=_IDENTITY)} }} }}" + FRAGMENTS

ORDER_LINES = (
    f"""
query OrderLines($id: ID!, $after: String) {{
  order(id: $id) {{
    updated_at: updatedAt
    page: lineItems(first: 30, after: $after) {{ nodes {{ ...LineRow }} {PAGE} }}
  }}
}}"""
    + _PAIR
    + _TAX
    + _LINE
)

ORDER_AGREEMENTS = (
    f"""
query OrderAgreements($id: ID!, $after: String) {{
  order(id: $id) {{
    updated_at: updatedAt
    page: agreements(first: 5, after: $after) {{
      nodes {{
        id happened_at: happenedAt reason
        sales(first: 25) {{
          nodes {{
            line_type: lineType quantity
            total_amount_set: totalAmount {{ ...Pair }}
            ... on ProductSale {{ line_item: lineItem {{ id }} }}
            ... on GiftCardSale {{ line_item: lineItem {{ id }} }}
            ... on TipSale {{ line_item: lineItem {{ id }} }}
          }}
          {PAGE}
        }}
      }}
      {PAGE}
    }}
  }}
}}"""
    + _PAIR
)

ORDER_TRANSACTIONS = (
    """
query OrderTransactions($id: ID!) {
  order(id: $id) { updated_at: updatedAt transactions(first: 100) { ...Movement } }
}"""
    + _PAIR
    + _TRANSACTION
)

REFUND = (
    f"""
query Refund($id: ID!) {{
  refund(id: $id) {{
    id: legacyResourceId created_at: createdAt processed_at: processedAt note
    order {{ updated_at: updatedAt }}
    refund_line_items: refundLineItems(first: 50) {{
      nodes {{
        quantity restock_type: restockType
        subtotal_set: subtotalSet {{ ...Pair }}
        total_tax_set: totalTaxSet {{ ...Pair }}
        line_item: lineItem {{ id }}
        location {{ id }}
      }}
      {PAGE}
    }}
    refund_shipping_lines: refundShippingLines(first: 10) {{
      nodes {{
        subtotal_amount_set: subtotalAmountSet {{ ...Pair }}
        tax_amount_set: taxAmountSet {{ ...Pair }}
        shipping_line: shippingLine {{ id }}
      }}
      {PAGE}
    }}
    order_adjustments: orderAdjustments(first: 10) {{
      nodes {{ reason amount_set: amountSet {{ ...Pair }} tax_amount_set: taxAmountSet {{ ...Pair }} }}
      {PAGE}
    }}
    duties {{ amount_set: amountSet {{ ...Pair }} original_duty: originalDuty {{ id }} }}
    transactions(first: 10) {{ nodes {{ ...Movement }} {PAGE} }}
  }}
}}"""
    + _PAIR
    + _TRANSACTION
)

# The due date of B2B terms lies in a connection of its own; few orders have any.
PAYMENT_TERMS = """
query PaymentTerms($id: ID!) {
  order(id: $id) {
    updated_at: updatedAt
    payment_terms: paymentTerms {
      payment_terms_name: paymentTermsName
      payment_schedules: paymentSchedules(first: 1) { nodes { due_at: dueAt } }
    }
  }
}"""
