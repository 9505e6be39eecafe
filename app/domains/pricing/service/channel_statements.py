"""The statements of prices at channels. Rows are locked in the order of their SKUs."""

from __future__ import annotations

_COUNTS = """
       r.open AND (l.code = r.compare_list OR (
           l.currency = r.currency AND l.company IN ('', r.company) AND l.channel IN ('', r.channel)
           AND l.customer = '' AND l.customer_group = ''))
"""
_MARK = """
marked AS (
    INSERT INTO pricing.channel_price AS c (channel, sku)
    SELECT channel, sku FROM hits ORDER BY channel, sku
        ON CONFLICT (channel, sku) DO UPDATE
       SET due = true, mark = c.mark + 1, marked_at = CASE WHEN c.due THEN c.marked_at ELSE now() END
    RETURNING channel, sku)
"""
# What a list says of a SKU, and what was sent from a list that is closed or somebody else's by now.
MARK_CHANGED = f"""
WITH hits AS (
    SELECT DISTINCT r.channel, t.sku FROM unnest(%(lists)s::text[], %(skus)s::text[]) t(list, sku)
      JOIN pricing.price_list l ON l.code = t.list JOIN pricing.channel_rule r ON {_COUNTS}
     UNION SELECT c.channel, c.sku FROM unnest(%(lists)s::text[], %(skus)s::text[]) t(list, sku)
      JOIN pricing.channel_price c ON c.sku = t.sku AND c.price_list = t.list
      JOIN pricing.channel_rule r USING (channel)
     WHERE r.open AND c.channel = ANY(%(channels)s::text[])),
{_MARK} SELECT channel, max(sku), count(*) FROM marked GROUP BY channel
"""
# The SKUs of a list whose price begins or ends at an instant, a page of them.
MARK_AT = f"""
WITH page AS (
    SELECT DISTINCT p.sku FROM pricing.price p JOIN pricing.price_list l ON l.id = p.list_id
     WHERE l.code = %(list)s AND p.sku > %(after)s AND (p.from_at = %(at)s OR p.until_at = %(at)s)
     ORDER BY p.sku LIMIT %(most)s),
hits AS (
    SELECT r.channel, p.sku FROM page p JOIN pricing.price_list l ON l.code = %(list)s
      JOIN pricing.channel_rule r ON {_COUNTS}),
{_MARK} SELECT channel, NULL, count(*) FROM marked GROUP BY channel
UNION ALL SELECT '', max(sku), count(*) FROM page
"""
# Everything that a channel shows a price of, or shall from now on.
MARK_ALL = f"""
WITH hits AS (
    SELECT r.channel, p.sku FROM pricing.channel_rule r JOIN pricing.price_list l ON {_COUNTS}
      JOIN pricing.price p ON p.list_id = l.id WHERE r.channel = %(channel)s AND p.sku LIKE %(like)s
     UNION SELECT channel, sku FROM pricing.channel_price WHERE channel = %(channel)s AND sku LIKE %(like)s),
{_MARK} SELECT channel, max(sku), count(*) FROM marked GROUP BY channel
"""
# Where a rate's first day began, or the day after its last, between two instants.
NEW_RATES = """
SELECT DISTINCT j.country FROM pricing.tax_rate t JOIN pricing.tax_jurisdiction j ON j.code = t.jurisdiction
 CROSS JOIN LATERAL (VALUES (t.effective_from), (t.effective_to + 1)) AS d (day)
 WHERE d.day::timestamp AT TIME ZONE j.zone > %(since)s AND d.day::timestamp AT TIME ZONE j.zone <= %(until)s
"""
DUE = """
SELECT sku, mark, currency, amount, compare_at, price_list, promotions FROM pricing.channel_price
 WHERE channel = %(channel)s AND due AND sku <> ALL(%(besides)s::text[]) ORDER BY marked_at, sku LIMIT %(most)s
"""
COUNTED = """
WITH lists AS MATERIALIZED (
    SELECT l.id, l.code, l.includes_tax, l.rank, l.code = %(compare)s AS compared,
           l.currency = %(currency)s AND l.company IN ('', %(company)s) AND l.channel IN ('', %(channel)s)
           AND l.customer = '' AND l.customer_group = '' AS counts
      FROM pricing.price_list l WHERE l.open AND (l.code = %(compare)s AND l.currency = %(currency)s
        OR l.currency = %(currency)s AND l.company IN ('', %(company)s) AND l.channel IN ('', %(channel)s)
           AND l.customer = '' AND l.customer_group = '')),
holding AS (
    SELECT w.sku, l.code, l.includes_tax, l.rank, l.compared, l.counts, p.amount, p.min_quantity, p.from_at
      FROM unnest(%(skus)s::text[]) w(sku) CROSS JOIN lists l
      JOIN pricing.price p ON p.list_id = l.id AND p.sku = w.sku AND p.unit = '' AND p.min_quantity <= 1
       AND p.from_at <= greatest(%(now)s, now())
       AND (p.until_at IS NULL OR p.until_at > greatest(%(now)s, now())))
SELECT w.sku, i.category, i.product_type, i.tax_code, i.margin, k.amount,
       b.code, b.amount, b.includes_tax, c.code, c.amount, c.includes_tax
  FROM unnest(%(skus)s::text[]) w(sku)
  LEFT JOIN pricing.item i ON i.sku = w.sku
  LEFT JOIN pricing.cost k ON (k.sku, k.unit, k.currency) = (w.sku, '', %(currency)s)
  LEFT JOIN LATERAL (SELECT * FROM holding h WHERE h.sku = w.sku AND h.counts
                      ORDER BY h.rank DESC, h.min_quantity DESC, h.from_at DESC LIMIT 1) b ON true
  LEFT JOIN LATERAL (SELECT * FROM holding h WHERE h.sku = w.sku AND h.compared
                      ORDER BY h.min_quantity DESC, h.from_at DESC LIMIT 1) c ON true
"""
# The instants at which a price of one unit begins or ends in a list that counts there, or is compared with.
COMING = """
SELECT DISTINCT w.sku, t.at FROM unnest(%(skus)s::text[]) w(sku)
  JOIN pricing.price_list l ON l.open AND l.currency = %(currency)s AND (l.code = %(compare)s OR (
       l.company IN ('', %(company)s) AND l.channel IN ('', %(channel)s) AND l.customer = '' AND l.customer_group = ''))
  JOIN pricing.price p ON p.list_id = l.id AND p.sku = w.sku AND p.unit = '' AND p.min_quantity <= 1
 CROSS JOIN LATERAL (VALUES (p.from_at), (p.until_at)) AS t (at) WHERE t.at > %(now)s ORDER BY 1, 2
"""
_HELD = """
held AS MATERIALIZED (
    SELECT sku FROM pricing.channel_price WHERE channel = %(channel)s AND sku = ANY(%(skus)s::text[])
     ORDER BY sku FOR UPDATE)
"""
STAND = f"""
WITH given AS (
    SELECT * FROM unnest(%(skus)s::text[], %(marks)s::bigint[], %(amounts)s::numeric[], %(compares)s::numeric[],
                         %(ids)s::text[], %(lists)s::text[], %(promotions)s::text[])
                  g(sku, mark, amount, compare_at, external_id, price_list, promotions)),
{_HELD}
UPDATE pricing.channel_price c
   SET due = c.mark > g.mark, currency = %(currency)s, amount = g.amount, compare_at = g.compare_at,
       price_list = g.price_list, promotions = string_to_array(g.promotions, ' '),
       external_id = CASE WHEN g.external_id = '' THEN c.external_id ELSE g.external_id END, code = '', said = '',
       sent_at = CASE WHEN %(sent)s THEN %(now)s ELSE c.sent_at END,
       sent = c.sent + CASE WHEN %(sent)s THEN 1 ELSE 0 END
  FROM given g JOIN held USING (sku) WHERE c.channel = %(channel)s AND c.sku = g.sku
"""
# What is tried may stand there should no answer come: until one does, nothing is known to stand.
TRY = f"""
WITH given AS (SELECT * FROM unnest(%(skus)s::text[], %(promotions)s::text[]) g(sku, promotions)),
{_HELD}
UPDATE pricing.channel_price c SET currency = '', promotions = string_to_array(g.promotions, ' ')
  FROM given g JOIN held USING (sku) WHERE c.channel = %(channel)s AND c.sku = g.sku
"""
# A page of the SKUs that a promotion may lower at the channels it is for, and of those that it has lowered.
MARK_PROMOTED = f"""
WITH rules AS (SELECT channel, company, currency FROM pricing.channel_rule WHERE open),
fit AS (
    SELECT * FROM rules r WHERE %(plain)s AND %(channel)s IN ('', r.channel) AND %(company)s IN ('', r.company)
       AND %(currency)s IN ('', r.currency)),
affected AS (
    SELECT c.channel, c.sku FROM fit r JOIN pricing.channel_price c USING (channel)
     WHERE %(everything)s AND c.sku > %(after)s
     UNION SELECT c.channel, c.sku FROM fit r CROSS JOIN unnest(%(skus)s::text[]) t(sku)
      JOIN pricing.channel_price c ON (c.channel, c.sku) = (r.channel, t.sku) WHERE c.sku > %(after)s
     UNION SELECT c.channel, c.sku FROM pricing.item i CROSS JOIN fit r
      JOIN pricing.channel_price c ON (c.channel, c.sku) = (r.channel, i.sku)
     WHERE (i.category = ANY(%(categories)s::text[]) OR i.product_type = ANY(%(product_types)s::text[]))
       AND i.sku > %(after)s
     UNION SELECT c.channel, c.sku FROM rules r JOIN pricing.channel_price c USING (channel)
     WHERE c.promotions <> '{{}}' AND %(code)s = ANY(c.promotions) AND c.sku > %(after)s),
page AS (SELECT DISTINCT sku FROM affected ORDER BY sku LIMIT %(most)s),
hits AS (SELECT channel, sku FROM affected JOIN page USING (sku)),
{_MARK} SELECT channel, NULL, count(*) FROM marked GROUP BY channel
UNION ALL SELECT '', max(sku), count(*) FROM page
"""
# Items of which something else is known now; all that a promotion lowers, where the rule of its floor changed.
MARK_KNOWN = f"""
WITH hits AS (
    SELECT c.channel, c.sku FROM pricing.channel_price c JOIN pricing.channel_rule r USING (channel)
     WHERE r.open AND c.sku = ANY(%(skus)s::text[])
     UNION SELECT c.channel, c.sku FROM pricing.channel_price c JOIN pricing.channel_rule r USING (channel)
     WHERE %(promoted)s AND r.open AND c.promotions <> '{{}}'),
{_MARK} SELECT channel, max(sku), count(*) FROM marked GROUP BY channel
"""
ASIDE = f"""
WITH given AS (
    SELECT * FROM unnest(%(skus)s::text[], %(marks)s::bigint[], %(codes)s::text[], %(saids)s::text[])
                  g(sku, mark, code, said)),
{_HELD}
UPDATE pricing.channel_price c
   SET due = c.mark > g.mark, code = g.code, said = g.said, sent_at = %(now)s,
       amount = CASE WHEN g.code = %(unlisted)s THEN NULL ELSE c.amount END
  FROM given g JOIN held USING (sku) WHERE c.channel = %(channel)s AND c.sku = g.sku
"""
# What a channel says that it shows, of what was sent before that and is not under way.
HEARD = """
SELECT c.sku, c.amount, c.compare_at, c.strayed_at FROM pricing.channel_price c
 WHERE c.channel = %(channel)s AND c.sku = ANY(%(skus)s::text[]) AND c.currency <> '' AND c.amount IS NOT NULL
   AND c.sent_at < %(at)s ORDER BY c.sku FOR UPDATE
"""
STRAYED = """
WITH found AS (
    UPDATE pricing.channel_price c SET amount = g.amount, compare_at = g.compare_at, strayed_at = %(now)s, code = '',
           due = true, mark = c.mark + 1, marked_at = now()
      FROM unnest(%(skus)s::text[], %(amounts)s::numeric[], %(compares)s::numeric[]) g(sku, amount, compare_at)
     WHERE c.channel = %(channel)s AND c.sku = g.sku RETURNING c.sku)
SELECT %(channel)s, max(sku), count(*) FROM found
"""
FOUGHT = """
UPDATE pricing.channel_price SET code = %(code)s, said = %(said)s, strayed_at = %(now)s
 WHERE channel = %(channel)s AND sku = ANY(%(skus)s::text[])
"""
SWEEP = f"""
WITH hits AS (
    SELECT c.channel, c.sku FROM pricing.channel_price c JOIN pricing.channel_rule r USING (channel)
     WHERE r.open AND NOT c.due AND c.code <> '' AND (
           c.sent_at < %(now)s - make_interval(hours => %(hours)s)
           OR c.code = %(unlisted)s AND EXISTS (
              SELECT FROM hub.binding b WHERE b.connection = c.channel AND b.kind = 'variant' AND b.key = c.sku))
     ORDER BY c.channel, c.sku LIMIT %(most)s),
{_MARK} SELECT channel, max(sku), count(*) FROM marked GROUP BY channel
"""
