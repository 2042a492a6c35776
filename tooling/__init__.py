"""Development only: what makes the generated files and the extension from the sources. Nothing here is shipped."""
