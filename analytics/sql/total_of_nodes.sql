-- How many customers or events nodes have. A list asks for this with every page.
SELECT (SELECT coalesce(sum(value), 0) FROM analytics_counter
        WHERE workspace_id = :workspace_id AND node_id = ANY(:nodes::uuid[])
          AND metric = :metric AND day = DATE '0001-01-01')
     + (SELECT coalesce(sum(weight), 0) FROM analytics_delta
        WHERE workspace_id = :workspace_id AND node_id = ANY(:nodes::uuid[])
          AND subject = :subject)
