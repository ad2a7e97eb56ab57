-- A month of one owner ($1), which begins with the day $2: a line for each category and currency in which something was
-- spent, came back or was planned, in this month or the one before.
with spent as (
    select
        category,
        currency,
        coalesce(sum(amount) filter (where day >= $2 and kind = 'expense'), 0)::bigint as spent,
        coalesce(sum(amount) filter (where day >= $2 and kind = 'refund'), 0)::bigint as refunded,
        coalesce(sum(case kind when 'expense' then amount else -amount end) filter (where day < $2), 0)::bigint as before
    from expenses.expense
    where owner = $1 and day >= ($2::date - interval '1 month') and day < ($2::date + interval '1 month')
    group by category, currency
),
planned as (
    select category, currency, amount from expenses.budget where owner = $1 and month = $2
)
select
    category.id as category,
    category.name,
    currency,
    coalesce(spent.spent, 0) as spent,
    coalesce(spent.refunded, 0) as refunded,
    coalesce(spent.spent - spent.refunded, 0) as net,
    planned.amount as budget,
    planned.amount - coalesce(spent.spent - spent.refunded, 0) as "left",
    coalesce(spent.before, 0) as before,
    coalesce(spent.spent - spent.refunded - spent.before, 0) as change
from spent
full join planned using (category, currency)
join expenses.category on category.owner = $1 and category.id = category
order by category.name, currency
