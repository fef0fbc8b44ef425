"""Officers open handover points, and keepers agree to keep them, take parcels in and hand them out."""
