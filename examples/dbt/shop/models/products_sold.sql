select
    lines.product_id,
    max(lines.name) as name,
    sum(lines.quantity) as pieces,
    sum(lines.total) as revenue
from {{ source('storefront', 'order_lines') }} as lines
join {{ source('storefront', 'orders') }} as orders on orders.id = lines._orders_id
where orders.status in ('completed', 'processing')
group by lines.product_id
