// Package postgres keeps records in a PostgreSQL database, for many processes.
package postgres

import _ "github.com/jackc/pgx/v5/pgxpool"
