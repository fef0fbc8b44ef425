"""The pay platform of the simulator behaves as its pages say."""
