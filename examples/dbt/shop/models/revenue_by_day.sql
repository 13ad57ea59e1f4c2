select
    cast(date_created_gmt as date) as day,
    currency,
    count(*) as orders,
    sum(total) as revenue
from {{ source('storefront', 'orders') }}
where status in ('completed', 'processing')
group by all
