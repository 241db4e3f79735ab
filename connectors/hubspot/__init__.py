"""HubSpot: contacts of the CRM, with lists as labels."""
