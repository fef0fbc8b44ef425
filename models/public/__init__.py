"""The views in this room are public: their types hold nothing private."""
