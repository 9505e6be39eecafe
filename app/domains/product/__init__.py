"""Products: what is sold, in which variants and units, made of what, and where it is listed.

Owns       schema `product`.
Publishes  product.product_changed/product_retired/catalogue_changed/listing_due/listing_changed/sku_mapped.v1
Needs      an ERP or PIM: ProductSource; channels: ListingSink
Asked by   flows.catalogue_in, flows.catalogue_alignment, flows.catalogue_out, flows.listing_alignment, flows.owning,
           api v1, commands, console
"""
