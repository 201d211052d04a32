"""Pictures as Plotly describes them, made from plain series: for the HTML page, and for notebooks.

A picture is data until somebody shows it, so that nothing here needs Plotly but `figure`.
"""
