"""Property tables of accounts, journals and entries, and of subscriptions.

Facts: as for the masters.
"""

from __future__ import annotations

from app.sandbox.business_central.properties import Entity, entity

_MODIFIED = "lastModifiedDateTime:datetime!"
_ACCOUNT_TYPES = ("G/L Account", "Customer", "Vendor", "Bank Account", "Fixed Asset", "IC Partner", "Employee")
_DIMENSIONS = " ".join(f"shortcutDimension{number}Code:code20!" for number in range(1, 9))

FINANCE: tuple[Entity, ...] = (
    entity(
        "account",
        "accounts",
        "id:guid! number:code20! displayName:text100! category:option! subCategory:text80! blocked:bool! "
        "accountType:option! directPosting:bool! netChange:decimal! consolidationTranslationMethod:text30! "
        f"consolidationDebitAccount:code20! consolidationCreditAccount:code20! excludeFromConsolidation:bool! "
        f"{_MODIFIED}",
        options={
            "category": (" ", "Assets", "Liabilities", "Equity", "Income", "Cost of Goods Sold", "Expense"),
            "accountType": ("Posting", "Heading", "Total", "Begin Total", "End Total"),
        },
    ),
    entity(
        "generalLedgerSetup",
        "generalLedgerSetup",
        "id:guid! allowPostingFrom:date! allowPostingTo:date! additionalReportingCurrency:code10! "
        f"localCurrencyCode:code10! localCurrencySymbol:text10! {_MODIFIED} allowQueryFromConsolidation:bool! "
        f"{_DIMENSIONS}",
    ),
    entity(
        "accountingPeriod",
        "accountingPeriods",
        f"id:guid! startingDate:date! name:text10! newFiscalYear:bool! closed:bool! dateLocked:bool! {_MODIFIED}",
    ),
    entity(
        "customerFinancialDetail",
        "customerFinancialDetails",
        f"id:guid! number:code20! balance:decimal! totalSalesExcludingTax:decimal! overdueAmount:decimal! {_MODIFIED}",
        one="customer=id>customers",
    ),
    entity(
        "journal",
        "journals",
        f"id:guid! code:code10 displayName:text100 templateDisplayName:code10 {_MODIFIED} "
        "balancingAccountId:guid balancingAccountNumber:code20!",
        many="journalLines>journalId",
        actions=("post",),
    ),
    entity(
        "journalLine",
        "journalLines",
        "id:guid! journalId:guid! journalDisplayName:code10! lineNumber:int accountType:option accountId:guid "
        "accountNumber:code20 postingDate:date documentNumber:code20 externalDocumentNumber:code35 amount:decimal "
        "description:text100 comment:text250 taxCode:code20 balanceAccountType:option balancingAccountId:guid "
        f"balancingAccountNumber:code20 {_MODIFIED}",
        options={"accountType": _ACCOUNT_TYPES, "balanceAccountType": _ACCOUNT_TYPES},
        one="account=accountId>accounts journal=journalId>journals",
    ),
    entity(
        "customerPaymentJournal",
        "customerPaymentJournals",
        f"id:guid! code:code10 displayName:text100 {_MODIFIED} balancingAccountId:guid balancingAccountNumber:code20",
        many="customerPayments>journalId",
    ),
    entity(
        "customerPayment",
        "customerPayments",
        "id:guid! journalId:guid! journalDisplayName:code10! lineNumber:int customerId:guid customerNumber:code20 "
        "postingDate:date documentNumber:code20 externalDocumentNumber:code35 amount:decimal "
        "appliesToInvoiceId:guid appliesToInvoiceNumber:code20 description:text100 comment:text250 "
        f"{_MODIFIED}",
        one="customer=customerId>customers customerPaymentJournal=journalId>customerPaymentJournals",
    ),
    entity(
        "generalLedgerEntry",
        "generalLedgerEntries",
        "id:guid! entryNumber:int! postingDate:date! documentNumber:code20! documentType:option! accountId:guid! "
        "accountNumber:code20! description:text100! debitAmount:decimal! creditAmount:decimal! "
        f"additionalCurrencyDebitAmount:decimal! additionalCurrencyCreditAmount:decimal! {_MODIFIED}",
        options={"documentType": (" ", "Payment", "Invoice", "Credit Memo", "Finance Charge Memo", "Reminder")},
        one="account=accountId>accounts",
    ),
    entity(
        "itemLedgerEntry",
        "itemLedgerEntries",
        "id:guid! entryNumber:int! itemNumber:code20! postingDate:date! entryType:option! sourceNumber:code20! "
        "sourceType:option! documentNumber:code20! documentType:option! description:text100! quantity:decimal! "
        f"salesAmountActual:decimal! costAmountActual:decimal! {_MODIFIED}",
        options={
            "entryType": ("Sale", "Purchase", "Positive Adjmt.", "Negative Adjmt.", "Transfer"),
            "sourceType": (" ", "Customer", "Vendor", "Item"),
            "documentType": (" ", "Sales Shipment", "Sales Invoice", "Sales Return Receipt", "Sales Credit Memo"),
        },
    ),
    entity(
        "subscriptions",
        "subscriptions",
        "subscriptionId:text150! notificationUrl:text2048 resource:text2048 timestamp:int! userId:guid! "
        "lastModifiedDateTime:datetime! clientState:text2048 expirationDateTime:datetime! "
        "systemCreatedAt:datetime! systemCreatedBy:guid! systemModifiedAt:datetime! systemModifiedBy:guid!",
        key="subscriptionId",
    ),
)
