"""A county calls for buyers of one crop; what is pledged by the last day is divided among its growers by a formula."""
