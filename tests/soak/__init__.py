"""Everything at once while parts of it are killed: nothing acknowledged is lost or doubled."""
