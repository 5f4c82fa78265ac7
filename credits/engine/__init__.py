"""Pure arithmetic of credits: values in, values out."""
