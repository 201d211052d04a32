"""What pictures show, as plain numbers: made from measures, drawn by `report/plots`, tested without either."""
