"""The statements of a product sheet, over its staged lines. A line without a product code is a product of its own."""

from __future__ import annotations

from collections.abc import Sequence

CODE = "coalesce(l.product, l.sku)"
# Of fourteen digits with leading zeros, each weighing 1 or 3; a digit's code is 48 more than it, so the sum ends in 4.
_WEIGHED = " + ".join(f"{'3 * ' if n % 2 == 0 else ''}get_byte(b, {n})" for n in range(14))
_GTIN = f"""
(translate(l.gtin, '0123456789', '') = '' AND length(l.gtin) BETWEEN 12 AND 14
 AND (left(l.gtin, 1) <> '0' OR length(l.gtin) = 12 AND left(l.gtin, 4) <> '0000')
 AND (SELECT {_WEIGHED} FROM convert_to(lpad(l.gtin, 14, '0'), 'UTF8') b) %% 10 = 4
 AND substr(lpad(l.gtin, 14, '0'), 2, 1) <> '2'
 AND substr(lpad(l.gtin, 14, '0'), 2, 2) NOT IN ('02', '04', '05', '98', '99'))
"""
_PLAIN = "length({0}) <= 100 AND {0} !~ '[^!-~]'"
_WEIGHT = """
(translate(l.weight, '0123456789', '') IN ('', '.') AND length(l.weight) <= 9 AND l.weight ~ '[1-9]'
 AND left(l.weight, 1) <> '.' AND strpos(reverse(l.weight), '.') BETWEEN 0 AND 6 AND right(l.weight, 1) <> '.')
"""
# Lines that are not surely right: the rules themselves read those.
SUSPECTS = f"""
SELECT l.line, l.sku, l.product, l.status, l.gtin, l.weight, l.weight_unit, l.unit, l.units, l.components, l.images
  FROM product.sheet_line l
 WHERE l.sheet_id = %(sheet)s AND NOT coalesce(
       {_PLAIN.format("l.sku")} AND (l.product IS NULL OR {_PLAIN.format("l.product")})
       AND (l.status IS NULL OR l.status IN ('draft', 'active', 'retired')) AND (l.gtin IS NULL OR {_GTIN})
       AND (l.weight IS NULL AND l.weight_unit IS NULL
            OR {_WEIGHT} AND l.weight_unit IN ('g', 'kg', 'oz', 'lb'))
       AND (l.unit IS NULL OR l.unit ~ '^[!-~]+$') AND l.units IS NULL AND l.components IS NULL
       AND (l.images IS NULL
            OR l.images ~ '^https?://[0-9A-Za-z][!-~]*( https?://[0-9A-Za-z][!-~]*)*$'),
       false)
 ORDER BY l.line
"""
NORMALISE = """
UPDATE product.sheet_line l SET sku = g.sku, product = g.product, gtin = g.gtin
  FROM unnest(%(lines)s::bigint[], %(skus)s::text[], %(products)s::text[], %(gtins)s::text[])
       g(line, sku, product, gtin)
 WHERE l.sheet_id = %(sheet)s AND l.line = g.line
"""
TWICE = """
SELECT l.line, l.sku, min(l.line) OVER same, max(l.line) OVER same
  FROM product.sheet_line l
 WHERE l.sheet_id = %(sheet)s AND l.sku IN (
       SELECT sku FROM product.sheet_line WHERE sheet_id = %(sheet)s GROUP BY sku HAVING count(*) > 1)
WINDOW same AS (PARTITION BY l.sku)
"""
# What the lines of a product say of the product itself must be one thing; a line may leave it out.
SHARED = ("title", "description", "vendor", "product_type", "tax_code", "images", "attributes")
DIFFERING = """
SELECT l.line, l.product, __SHARED__
  FROM product.sheet_line l
 WHERE l.sheet_id = %(sheet)s AND l.product IN (
       SELECT product FROM product.sheet_line l WHERE sheet_id = %(sheet)s GROUP BY 1 HAVING __DIFFER__)
 ORDER BY l.line
"""


def differing_in(shared: Sequence[str]) -> str:
    """The lines of products of which the sheet says two things in one of these columns."""
    differ = " OR ".join(f"min(l.{name}) <> max(l.{name})" for name in shared)
    return DIFFERING.replace("__SHARED__", ", ".join(f"l.{name}" for name in shared)).replace("__DIFFER__", differ)


_NAMES = "(SELECT string_agg(k, ',' ORDER BY k) FROM jsonb_object_keys(coalesce(l.options, '{}')::jsonb) k)"
OPTIONS = f"""
SELECT l.line, l.product, coalesce(l.options, '{{}}')::jsonb
  FROM product.sheet_line l
 WHERE l.sheet_id = %(sheet)s AND l.product IN (
       SELECT product FROM product.sheet_line l WHERE sheet_id = %(sheet)s AND product IS NOT NULL GROUP BY 1
       HAVING count(l.options) > 0
          AND (count(DISTINCT l.options) < count(*) OR count(DISTINCT coalesce({_NAMES}, '')) > 1))
 ORDER BY l.line
"""

_IMAGES = """
(SELECT jsonb_agg(jsonb_build_object('url', u, 'alt', '') ORDER BY n)
   FROM unnest(regexp_split_to_array({0}, ' +')) WITH ORDINALITY i(u, n))
"""
# Codes whose product or one of whose SKUs is known, or which say more than columns do. They are taken in as the word of
# any source is; those of which the sheet says nothing new are left alone.
KNOWN = f"""
CREATE TEMP TABLE sheet_known ON COMMIT DROP AS
SELECT DISTINCT {CODE} AS code, false AS same
  FROM product.sheet_line l LEFT JOIN product.product p ON p.code = {CODE} AND p.company = %(company)s
  LEFT JOIN product.variant v ON v.sku = l.sku AND v.company = %(company)s
 WHERE l.sheet_id = %(sheet)s
   AND (p.id IS NOT NULL OR v.id IS NOT NULL OR l.units IS NOT NULL OR l.components IS NOT NULL)
"""
SAME = f"""
UPDATE sheet_known k SET same = true FROM (
    SELECT {CODE} AS code
      FROM product.sheet_line l JOIN sheet_known k ON k.code = {CODE}
      LEFT JOIN product.product p ON p.code = {CODE} AND p.company = %(company)s
      LEFT JOIN product.variant v ON v.sku = l.sku AND v.company = %(company)s
     WHERE l.sheet_id = %(sheet)s GROUP BY 1
    HAVING bool_and(
               coalesce(v.product_id = p.id, false) AND l.units IS NULL AND l.components IS NULL
               AND coalesce(l.title = p.title, true) AND coalesce(l.description = p.description, true)
               AND coalesce(l.vendor = p.vendor, true) AND coalesce(l.product_type = p.product_type, true)
               AND coalesce(l.tax_code = p.tax_code, true) AND coalesce(l.status = v.status, true)
               AND coalesce(l.gtin = v.gtin, true)
               AND (l.weight IS NULL OR coalesce(l.weight::numeric = v.weight, false))
               AND coalesce(l.weight_unit = v.weight_unit, true) AND coalesce(l.unit = v.uom, true)
               AND coalesce(l.options::jsonb = v.options, true)
               AND coalesce(p.attributes @> l.attributes::jsonb, true)
               AND coalesce({_IMAGES.format("l.images")} = p.images, true))
       AND coalesce(max(p.status) = CASE WHEN bool_or(l.status = 'active') THEN 'active'
                                         WHEN bool_or(l.status = 'draft') THEN 'draft' ELSE max(l.status) END, true)) s
 WHERE k.code = s.code
"""
COUNT_KNOWN = "SELECT count(*), count(*) FILTER (WHERE same) FROM sheet_known"

# A UUID of version 7 (RFC 9562): the instant of the import, its line as counter, 48 bits by a random seed.
_ID = """
encode(%(instant)s::bytea || int4send((1879080960 + ((({0} >> 12) & 4095) << 16) + (({0} & 4095) << 2))::int)
       || substring(int8send(hashint8extended({0}, {1})) FROM 3), 'hex')::uuid
"""
ONLY_NEW = f"AND NOT EXISTS (SELECT FROM sheet_known k WHERE k.code = {CODE})"
# Which groups of fields the lines of a product tell of; `%(whole)s` are the origins where they tell all the sheet has.
TOLD = {
    "text": "g.title IS NOT NULL OR g.description IS NOT NULL",
    "class": "g.vendor IS NOT NULL OR g.product_type IS NOT NULL",
    "tax": "g.tax_code IS NOT NULL", "status": "g.statuses > 0", "gtin": "g.gtins > 0", "weight": "g.weights > 0",
    "units": "g.units > 0", "images": "g.images IS NOT NULL", "structure": "g.options IS NOT NULL",
    "attributes": "g.attributes IS NOT NULL",
}  # fmt: skip
_ORIGINS = ", ".join(
    f"CASE WHEN {told} THEN jsonb_build_object('{group}', %(mark)s::jsonb) ELSE '{{}}' END"
    for group, told in TOLD.items()
)
ADD_PRODUCTS = f"""
WITH given AS (
    SELECT {CODE} AS code, min(l.line) AS line, max(l.title) AS title, max(l.description) AS description,
           max(l.vendor) AS vendor, max(l.product_type) AS product_type, max(l.tax_code) AS tax_code,
           CASE WHEN bool_or(l.status = 'active') THEN 'active' WHEN bool_and(l.status = 'retired') THEN 'retired'
                ELSE 'draft' END AS status,
           max(l.images) AS images, max(l.options) AS options, max(l.attributes) AS attributes,
           count(l.status) AS statuses, count(l.gtin) AS gtins, count(l.weight) AS weights, count(l.unit) AS units
      FROM product.sheet_line l WHERE l.sheet_id = %(sheet)s __NEW__ GROUP BY 1),
made AS (
    INSERT INTO product.product (id, company, code, title, description, vendor, product_type, tax_code, status,
                                 options, attributes, images, origins, created_at, changed_at)
    SELECT {_ID.format("g.line", "%(seed)s")}, %(company)s, g.code, coalesce(g.title, ''), coalesce(g.description, ''),
           coalesce(g.vendor, ''), coalesce(g.product_type, ''), coalesce(g.tax_code, ''), g.status,
           CASE WHEN g.options IS NULL THEN '[]' ELSE (
               SELECT jsonb_agg(name ORDER BY n) FROM unnest(%(options)s::text[]) WITH ORDINALITY o(name, n)
                WHERE g.options::jsonb ? name) END,
           coalesce(g.attributes, '{{}}')::jsonb,
           CASE WHEN g.images IS NULL THEN '[]' ELSE {_IMAGES.format("g.images")} END,
           CASE WHEN __WHOLE__ THEN %(whole)s::jsonb ELSE {_ORIGINS.replace("END, CASE", "END || CASE")} END,
           %(now)s, %(now)s
      FROM given g
    RETURNING id)
SELECT array_agg(id::text) FROM (SELECT id, (row_number() OVER () - 1) / %(most)s AS part FROM made) m GROUP BY part
"""
ADD_VARIANTS = f"""
INSERT INTO product.variant (id, product_id, company, sku, position, options, gtin, weight, weight_unit, uom, status)
SELECT {_ID.format("l.line", "%(seed)s + 1")}, p.id, %(company)s, l.sku, __POSITION__,
       coalesce(l.options, '{{}}')::jsonb, coalesce(l.gtin, ''), l.weight::numeric,
       coalesce(l.weight_unit, ''), coalesce(l.unit, 'piece'),
       coalesce(l.status, p.status)
  FROM product.sheet_line l JOIN product.product p ON p.code = {CODE} AND p.company = %(company)s
 WHERE l.sheet_id = %(sheet)s __NEW__
"""
POSITION = f"row_number() OVER (PARTITION BY {CODE} ORDER BY l.line)"
CHANGED = f"""
SELECT {CODE}, l.line, l.sku, l.title, l.description, l.vendor, l.product_type, l.tax_code, l.status, l.gtin, l.weight,
       l.weight_unit, l.unit, l.units, l.components, l.images, l.options::jsonb, l.attributes::jsonb
  FROM product.sheet_line l JOIN sheet_known k ON k.code = {CODE} AND NOT k.same
 WHERE l.sheet_id = %(sheet)s
 ORDER BY bool_or(l.components IS NOT NULL) OVER (PARTITION BY {CODE}), 1, 2
"""
