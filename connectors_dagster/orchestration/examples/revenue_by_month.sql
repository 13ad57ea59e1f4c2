-- Sales by month, from the shop and from subscription billing. Amounts include tax and keep their currency.
WITH sales AS (
    SELECT
        date_paid_gmt AS sold_at,
        'storefront' AS source,
        currency,
        total::DECIMAL(18, 2) AS amount
    FROM storefront.orders
    WHERE status IN ('processing', 'completed')

    UNION ALL

    SELECT
        billed_at,
        'billing',
        currency_code,
        -- Amounts are minor units as text: cents, except for yen and won, which have no minor unit.
        (details ->> '$.totals.total')::DECIMAL(18, 2) / CASE WHEN currency_code IN ('JPY', 'KRW') THEN 1 ELSE 100 END
    FROM billing.transactions
    WHERE status IN ('billed', 'paid', 'completed', 'past_due')
)

SELECT
    date_trunc('month', sold_at AT TIME ZONE 'UTC')::DATE AS month,
    source,
    currency,
    count(*) AS sales,
    sum(amount)::DECIMAL(18, 2) AS revenue
FROM sales
WHERE sold_at IS NOT NULL
GROUP BY ALL
ORDER BY ALL
