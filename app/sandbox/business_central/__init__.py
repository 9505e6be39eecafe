"""Microsoft Dynamics 365 Business Central, API v2.0, as far as the hub speaks it.

Answers    /business-central/{tenant}/oauth2/v2.0/token and /business-central/v2.0/{tenant}/{environment}/api/v2.0/…
Controls   /_business_central/release, ship, companies: what Business Central's people do.
Facts      property tables, lengths and error codes from Microsoft's published documents and API page sources.
"""
