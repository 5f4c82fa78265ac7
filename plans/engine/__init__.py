"""Pure arithmetic of plans: values in, values out. Nothing here knows Django or the database."""
