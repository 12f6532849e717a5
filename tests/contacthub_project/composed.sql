SELECT number, {{ column }}, '100%' -- :not a parameter
FROM unnest(:numbers::int[]) AS number WHERE :condition ORDER BY :order LIMIT :most
