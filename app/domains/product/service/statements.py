"""The statements of a batch, over arrays. A batch locks its products, sorted by code and company, before it writes."""

from __future__ import annotations

FIND_PRODUCTS = """
SELECT g.n - 1, p.id::text FROM unnest(%(codes)s::text[], %(companies)s::text[]) WITH ORDINALITY g(code, company, n)
  JOIN product.product p USING (code, company)
"""
FIND_VARIANTS = """
SELECT g.n - 1, v.id::text, v.product_id::text
  FROM unnest(%(skus)s::text[], %(companies)s::text[]) WITH ORDINALITY g(sku, company, n)
  JOIN product.variant v USING (sku, company)
"""
LOCK = """
SELECT id::text, code, company, status, origins -> 'status' ->> 'source', origins ? 'units'
  FROM product.product WHERE id = ANY(%(ids)s::uuid[]) ORDER BY code, company FOR UPDATE
"""

_PRODUCTS = """
unnest(%(ids)s::uuid[], %(title)s::text[], %(description)s::text[], %(vendor)s::text[], %(product_type)s::text[],
       %(tax_code)s::text[], %(status)s::text[], %(options)s::jsonb[], %(attributes)s::jsonb[], %(images)s::jsonb[])
"""
_PRODUCT_NAMES = "(id, title, description, vendor, product_type, tax_code, status, options, attributes, images)"
DIFFER_PRODUCTS = f"""
SELECT * FROM (
    SELECT p.id::text, array_remove(ARRAY[
               CASE WHEN g.title <> p.title OR g.description <> p.description THEN 'text' END,
               CASE WHEN g.vendor <> p.vendor OR g.product_type <> p.product_type THEN 'class' END,
               CASE WHEN g.tax_code <> p.tax_code THEN 'tax' END,
               CASE WHEN g.status <> p.status THEN 'status' END,
               CASE WHEN g.options <> p.options THEN 'structure' END,
               CASE WHEN jsonb_strip_nulls(p.attributes || g.attributes) <> p.attributes THEN 'attributes' END,
               CASE WHEN g.images <> p.images THEN 'images' END], NULL) AS groups
      FROM {_PRODUCTS} g{_PRODUCT_NAMES} JOIN product.product p ON p.id = g.id) d
 WHERE groups <> '{{}}'
"""
ADD_PRODUCTS = f"""
INSERT INTO product.product (id, company, code, title, description, vendor, product_type, tax_code, status, options,
                             attributes, images, origins, created_at, changed_at)
SELECT g.id, k.company, k.code, coalesce(g.title, ''), coalesce(g.description, ''), coalesce(g.vendor, ''),
       coalesce(g.product_type, ''), coalesce(g.tax_code, ''), coalesce(g.status, 'draft'),
       coalesce(g.options, '[]'), coalesce(jsonb_strip_nulls(g.attributes), '{{}}'), coalesce(g.images, '[]'),
       k.origins, %(now)s, %(now)s
  FROM {_PRODUCTS} g{_PRODUCT_NAMES}
  JOIN unnest(%(ids)s::uuid[], %(codes)s::text[], %(companies)s::text[], %(origins)s::jsonb[])
       k(id, code, company, origins) USING (id)
 ORDER BY k.code, k.company
ON CONFLICT (code, company) DO NOTHING
"""
CHANGE_PRODUCTS = f"""
UPDATE product.product p
   SET title = coalesce(g.title, p.title), description = coalesce(g.description, p.description),
       vendor = coalesce(g.vendor, p.vendor), product_type = coalesce(g.product_type, p.product_type),
       tax_code = coalesce(g.tax_code, p.tax_code), status = coalesce(g.status, p.status),
       options = coalesce(g.options, p.options), images = coalesce(g.images, p.images),
       attributes = coalesce(jsonb_strip_nulls(p.attributes || g.attributes), p.attributes),
       origins = p.origins || k.origins, version = p.version + 1, changed_at = %(now)s
  FROM {_PRODUCTS} g{_PRODUCT_NAMES}
  JOIN unnest(%(ids)s::uuid[], %(origins)s::jsonb[]) k(id, origins) USING (id)
 WHERE p.id = g.id
RETURNING p.id::text, p.code, p.company, p.version, p.status
"""

_VARIANTS = """
unnest(%(ids)s::uuid[], %(product_ids)s::uuid[], %(title)s::text[], %(position)s::int[], %(options)s::jsonb[],
       %(attributes)s::jsonb[], %(gtin)s::text[], %(weight)s::numeric[], %(weight_unit)s::text[], %(uom)s::text[],
       %(tax_code)s::text[], %(status)s::text[])
"""
_VARIANT_NAMES = (
    "(id, product_id, title, position, options, attributes, gtin, weight, weight_unit, uom, tax_code, status)"
)
DIFFER_VARIANTS = f"""
SELECT * FROM (
    SELECT v.id::text, v.product_id::text, v.uom, v.status, array_remove(ARRAY[
               CASE WHEN g.title <> v.title THEN 'text' END,
               CASE WHEN g.product_id <> v.product_id OR g.position <> v.position OR g.options <> v.options
                    THEN 'structure' END,
               CASE WHEN jsonb_strip_nulls(v.attributes || g.attributes) <> v.attributes THEN 'attributes' END,
               CASE WHEN g.gtin <> v.gtin THEN 'gtin' END,
               CASE WHEN g.weight_unit <> v.weight_unit OR g.weight <> v.weight THEN 'weight' END,
               CASE WHEN g.uom <> v.uom THEN 'units' END,
               CASE WHEN g.tax_code <> v.tax_code THEN 'tax' END,
               CASE WHEN g.status <> v.status THEN 'status' END], NULL) AS groups
      FROM {_VARIANTS} g{_VARIANT_NAMES} JOIN product.variant v ON v.id = g.id) d
 WHERE groups <> '{{}}'
"""
ADD_VARIANTS = f"""
INSERT INTO product.variant (id, product_id, company, sku, title, position, options, attributes, gtin, weight,
                             weight_unit, uom, tax_code, status)
SELECT g.id, g.product_id, k.company, k.sku, coalesce(g.title, ''), coalesce(g.position, k.n::int),
       coalesce(g.options, '{{}}'), coalesce(jsonb_strip_nulls(g.attributes), '{{}}'), coalesce(g.gtin, ''), g.weight,
       coalesce(g.weight_unit, ''), coalesce(g.uom, 'piece'), coalesce(g.tax_code, ''), coalesce(g.status, k.otherwise)
  FROM {_VARIANTS} g{_VARIANT_NAMES}
  JOIN unnest(%(ids)s::uuid[], %(skus)s::text[], %(companies)s::text[], %(otherwise)s::text[], %(places)s::int[])
       k(id, sku, company, otherwise, n) USING (id)
 ORDER BY k.sku, k.company
ON CONFLICT (sku, company) DO NOTHING
"""
CHANGE_VARIANTS = f"""
UPDATE product.variant v
   SET product_id = g.product_id, title = coalesce(g.title, v.title), position = coalesce(g.position, v.position),
       options = coalesce(g.options, v.options), gtin = coalesce(g.gtin, v.gtin),
       attributes = coalesce(jsonb_strip_nulls(v.attributes || g.attributes), v.attributes),
       weight = CASE WHEN g.weight_unit IS NULL THEN v.weight ELSE g.weight END,
       weight_unit = coalesce(g.weight_unit, v.weight_unit), uom = coalesce(g.uom, v.uom),
       tax_code = coalesce(g.tax_code, v.tax_code), status = coalesce(g.status, v.status)
  FROM {_VARIANTS} g{_VARIANT_NAMES} WHERE v.id = g.id
"""
RETIRE_OTHERS = """
UPDATE product.variant v SET status = 'retired'
 WHERE v.product_id = ANY(%(products)s::uuid[]) AND v.status <> 'retired' AND NOT v.id = ANY(%(named)s::uuid[])
RETURNING v.product_id::text, v.id::text
"""

CHANGE_UNITS = """
WITH given AS MATERIALIZED (
    SELECT * FROM unnest(%(variants)s::uuid[], %(names)s::text[], %(numerators)s::bigint[], %(denominators)s::bigint[],
                         %(gtins)s::text[]) g(variant_id, unit, numerator, denominator, gtin)),
gone AS (
    DELETE FROM product.unit_conversion u
     WHERE u.variant_id = ANY(%(told)s::uuid[])
       AND NOT EXISTS (SELECT FROM given g WHERE g.variant_id = u.variant_id AND g.unit = u.unit)
    RETURNING u.variant_id),
kept AS (
    INSERT INTO product.unit_conversion AS u (variant_id, unit, numerator, denominator, gtin)
    SELECT * FROM given ORDER BY 1, 2
    ON CONFLICT (variant_id, unit) DO UPDATE
       SET numerator = excluded.numerator, denominator = excluded.denominator, gtin = excluded.gtin
     WHERE (u.numerator, u.denominator, u.gtin) <> (excluded.numerator, excluded.denominator, excluded.gtin)
    RETURNING u.variant_id)
SELECT variant_id::text FROM gone UNION SELECT variant_id::text FROM kept
"""
CHANGE_COMPONENTS = """
WITH given AS MATERIALIZED (
    SELECT g.bundle_id, v.id AS component_id, g.quantity, g.position
      FROM unnest(%(variants)s::uuid[], %(skus)s::text[], %(companies)s::text[], %(quantities)s::numeric[],
                  %(places)s::int[]) g(bundle_id, sku, company, quantity, position)
      JOIN product.variant v USING (sku, company)),
gone AS (
    DELETE FROM product.bundle_component b
     WHERE b.bundle_id = ANY(%(told)s::uuid[])
       AND NOT EXISTS (SELECT FROM given g WHERE (g.bundle_id, g.component_id) = (b.bundle_id, b.component_id))
    RETURNING b.bundle_id),
kept AS (
    INSERT INTO product.bundle_component AS b (bundle_id, component_id, quantity, position)
    SELECT * FROM given ORDER BY 1, 2
    ON CONFLICT (bundle_id, component_id) DO UPDATE SET quantity = excluded.quantity, position = excluded.position
     WHERE (b.quantity, b.position) <> (excluded.quantity, excluded.position)
    RETURNING b.bundle_id)
SELECT bundle_id::text FROM gone UNION SELECT bundle_id::text FROM kept
"""
EMPTY_HOMES = """
UPDATE product.product p SET status = 'retired', version = version + 1, changed_at = %(now)s
 WHERE p.id = ANY(%(ids)s::uuid[]) AND p.status <> 'retired'
   AND NOT EXISTS (SELECT FROM product.variant v WHERE v.product_id = p.id)
RETURNING p.id::text, p.code, p.company, p.version
"""
RETIRED_SKUS = """
SELECT p.id::text, array_agg(v.sku ORDER BY v.position, v.sku) FILTER (
           WHERE v.id = ANY(%(variants)s::uuid[]) OR (v.id IS NOT NULL AND p.id = ANY(%(whole)s::uuid[]))),
       p.status = 'retired' OR bool_and(v.status = 'retired')
  FROM product.product p LEFT JOIN product.variant v ON v.product_id = p.id
 WHERE p.id = ANY(%(products)s::uuid[]) GROUP BY p.id
"""
