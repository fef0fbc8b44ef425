"""The region tree says where everything lies, from the province down to the village, now and formerly."""
